// What the names in a checkpoint directory say about whoever writes there. Most programs need none of this: a quiet
// moment says enough. Some pause for seconds between two files of one checkpoint, some keep a log open beside it, and
// some begin the next one while the last is stored.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::checkpoint {

// A file that its writer may append to all the time while the training runs, so that no checkpoint can wait for it to
// rest. What lies there at any moment is what a crash would leave of it.
enum class Log {
  no,
  likely,   // by the end of its name, ".log", ".jsonl", ".ndjson", ".csv" or ".tsv", and by its size
  certain,  // TensorBoard's event files
};
Log is_log(std::string_view path, std::uint64_t size);
// Only ".log" may be larger: a table of that size may be a part of the checkpoint that takes its time.
constexpr std::uint64_t kLargestTable = 16u << 20;

struct NamedFile {
  std::string_view path;
  bool changed = false;  // since the last generation
};

// What a writer known by its names has begun and not completed: "step-7: no new .metadata yet". Empty when there is
// nothing. `files` are sorted by path. Folders with something changed in them count, in which there are
//   __0_0.distcp and no .metadata                      torch.distributed.checkpoint writes that last
//   training_args.bin and no trainer_state.json        Hugging Face's Trainer writes that last, as checkpoint-7/...
//   NAME-00001-of-00003 and not all three              shards, whoever writes them
std::string unfinished(const std::vector<NamedFile>& files);

// What has changed since a checkpoint was seen to be whole.
struct NamesAfter {
  std::vector<std::string_view> came, gone, replaced;
};
// All of that belongs to later saves: what came lies in folders, or is files, of later steps than those of `saved`, the
// files that were new in that checkpoint; and nothing was done to those but that whole steps may have gone.
// A step is known by its name: checkpoint-500/..., step_500/..., global_step500/..., iter_0000500/..., 500/...,
// epoch=3-step=500.ckpt. Programs that write over the last checkpoint have none, and the answer is false.
bool is_of_later_steps(const NamesAfter& after, const std::set<std::string>& saved);

}  // namespace holdfast::checkpoint
