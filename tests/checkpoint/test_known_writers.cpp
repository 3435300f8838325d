#include <doctest/doctest.h>

#include "checkpoint/known_writers.hpp"

using namespace holdfast::checkpoint;

namespace {

std::string said_of(const std::vector<std::string_view>& paths) {
  std::vector<NamedFile> files;
  for (const auto& path : paths) files.push_back({path, true});
  return unfinished(files);
}

}  // namespace

TEST_CASE("a checkpoint of torch.distributed is there with its metadata") {
  CHECK(said_of({"step-7/__0_0.distcp", "step-7/__1_0.distcp"}) == "step-7: no new .metadata yet");
  CHECK(said_of({"step-7/.metadata.tmp", "step-7/__0_0.distcp"}) == "step-7: no new .metadata yet");
  CHECK(said_of({"__0_0.distcp"}) == ".: no new .metadata yet");
  CHECK(said_of({"step-7/.metadata", "step-7/__0_0.distcp"}).empty());
}

TEST_CASE("a checkpoint written over the last one is there when its last file is new, too") {
  CHECK(unfinished({{"l/.metadata", false}, {"l/__0_0.distcp", true}}) == "l: no new .metadata yet");
  CHECK(unfinished({{"l/.metadata", true}, {"l/__0_0.distcp", true}}).empty());
  CHECK(unfinished({{"checkpoint-2/trainer_state.json", false}, {"checkpoint-2/training_args.bin", true}}) ==
        "checkpoint-2: no new trainer_state.json yet");
}

TEST_CASE("a checkpoint of Hugging Face's Trainer is there with its state") {
  CHECK(said_of({"checkpoint-10/model.safetensors", "checkpoint-10/training_args.bin"}) ==
        "checkpoint-10: no new trainer_state.json yet");
  CHECK(said_of({"checkpoint-10/trainer_state.json", "checkpoint-10/training_args.bin"}).empty());
  // The model alone, as save_model() leaves it; and accelerate's folders, which have the same name and no such file.
  CHECK(said_of({"final/model.safetensors", "final/training_args.bin"}).empty());
  CHECK(said_of({"checkpoint-10/model.safetensors", "checkpoint-10/random_states_0.pkl"}).empty());
}

TEST_CASE("shards are there when all of them are") {
  CHECK(said_of({"m-00001-of-00003.safetensors", "m-00003-of-00003.safetensors"}) ==
        ".: 2 of 3 files m-*-of-00003.safetensors");
  CHECK(said_of({"m-00001-of-00002.bin", "m-00002-of-00002.bin", "o-00001-of-00001.bin"}).empty());
  CHECK(said_of({"ckpt-1.data-00000-of-00001", "ckpt-1.index"}).empty());
  for (const auto* name : {"one-of-many", "-of-00001", "00001-of-", "0001-of-0002", "of-the-00001-of-0000x"})
    CHECK_MESSAGE(said_of({name}).empty(), name);
}

TEST_CASE("what the last generation has already holds nothing up") {
  CHECK(unfinished({{"a/m-00001-of-00002.bin", false}, {"b/model.bin", true}}).empty());
  CHECK(unfinished({{"a/__0_0.distcp", false}, {"a/__1_0.distcp", true}}) == "a: no new .metadata yet");
  CHECK(unfinished({}).empty());
}

TEST_CASE("TensorBoard's event files are logs") {
  CHECK(is_log("runs/Nov27/events.out.tfevents.1700000000.host.1.0", 1u << 30) == Log::certain);
  CHECK(is_log("events.out", 1) == Log::no);
  CHECK(is_log("events.out.tfevents.d/model.bin", 1) == Log::no);
}

TEST_CASE("what is named as a log is likely one, a table only as long as it is small") {
  for (const char* path : {"train.log", "metrics.csv", "runs/history.jsonl", "a.tsv", "b.ndjson"}) {
    CHECK(is_log(path, kLargestTable) == Log::likely);
    CHECK(is_log(path, kLargestTable + 1) == (std::string_view(path).ends_with(".log") ? Log::likely : Log::no));
  }
  for (const char* path : {"log", "train.log.pt", "catalog", "model.csv/part-0", "csv"})
    CHECK(is_log(path, 1) == Log::no);
}

TEST_CASE("later steps are known by their names") {
  using Names = std::vector<std::string_view>;
  const auto later = [](const std::set<std::string>& saved, const Names& came, const Names& gone = {},
                        const Names& replaced = {}) {
    return is_of_later_steps({came, gone, replaced}, saved);
  };
  const std::set<std::string> saved{"run/checkpoint-500/model.pt", "run/checkpoint-500/rng_state_0.pth", "run/latest"};
  CHECK(later(saved, {"run/checkpoint-1000/model.pt"}));
  CHECK(later(saved, {"run/checkpoint-1000/a/b", "run/checkpoint-1500/c"},
              {"run/checkpoint-500/model.pt", "run/checkpoint-100/model.pt"}, {"run/latest"}));
  // More of the same step, or whatever else could be.
  CHECK_FALSE(later(saved, {"run/checkpoint-1000/model.pt", "run/checkpoint-500/optimizer.pt"}));
  CHECK_FALSE(later(saved, {"run/checkpoint-400/model.pt"}));
  CHECK_FALSE(later(saved, {"run/checkpoint-1000/model.pt", "run/best.pt"}));
  CHECK_FALSE(later(saved, {"other/checkpoint-1000/model.pt"}));
  CHECK_FALSE(later(saved, {"run/checkpoint-1000/model.pt"}, {"run/latest"}));
  CHECK_FALSE(later(saved, {"run/checkpoint-1000/model.pt"}, {}, {"run/checkpoint-500/model.pt"}));
  CHECK_FALSE(later(saved, {}, {"run/checkpoint-500/model.pt"}));
  CHECK_FALSE(later({"run/latest"}, {"run/checkpoint-1000/model.pt"}));

  for (const auto& [one, next] : std::vector<std::pair<std::string, std::string_view>>{
           {"step_500/a", "step_600/a"},
           {"global_step99/mp_rank_00.pt", "global_step100/mp_rank_01.pt"},
           {"iter_0000900/a", "iter_0001000/a"},
           {"900/default/d/0", "1000/default/d/0"},
           {"epoch=2-step=900.ckpt", "epoch=3-step=100.ckpt"},
           {"epoch=2-step=900.ckpt", "epoch=2-step=1000.ckpt"},
           {"step5-rank1.pt", "step6-rank1.pt"},
           {"ckpt-9.index", "ckpt-10.index"}}) {
    CHECK_MESSAGE(later({one}, {next}), next);
    CHECK_FALSE_MESSAGE(later({std::string(next)}, {one}), next);
  }
  // Parts of one save that have numbers.
  for (const auto& [one, next] : std::vector<std::pair<std::string, std::string_view>>{
           {"rank0/model.pt", "rank1/model.pt"},
           {"checkpoint_rank_0.pt", "checkpoint_rank_1.pt"},
           {"step5-rank0.pt", "step5-rank1.pt"},
           {"model-00001-of-00002.bin", "model-00002-of-00002.bin"},
           {"900", "1000"},
           {"step99999999999999999999/a", "step99999999999999999998/a"}}) {
    CHECK_FALSE_MESSAGE(later({one}, {next}), next);
  }
}
