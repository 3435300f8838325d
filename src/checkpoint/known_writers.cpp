#include "checkpoint/known_writers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>

#include "checkpoint/paths.hpp"

namespace holdfast::checkpoint {
namespace {

std::string_view name_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_trainers_folder(std::string_view folder) {
  const auto name = name_of(folder);
  return name.starts_with("checkpoint-") && is_digits(name.substr(11));
}

struct Shard {
  std::string family;  // the name around the two numbers
  std::size_t of = 0;
};

// "model-00001-of-00003.safetensors"; the numbers have five digits with every writer known.
std::optional<Shard> shard_of(std::string_view name) {
  constexpr std::size_t kDigits = 5;
  const auto at = name.find("-of-");
  if (at == std::string_view::npos || at < kDigits || name.size() < at + 4 + kDigits) return std::nullopt;
  const auto number = name.substr(at - kDigits, kDigits), of = name.substr(at + 4, kDigits);
  if (!is_digits(number) || !is_digits(of)) return std::nullopt;
  Shard shard;
  shard.family = std::string(name.substr(0, at - kDigits)) + "*" + std::string(name.substr(at));
  std::from_chars(of.data(), of.data() + of.size(), shard.of);
  return shard;
}

// What the names of one folder say in which something has changed.
struct Folder {
  // Of files that have changed: a checkpoint that is written over the last one has its last file, too, and an old one.
  bool distributed = false, metadata = false;
  bool trainers = false, trainer_state = false;
  std::map<std::string, std::pair<std::size_t, std::size_t>> shards;  // of a family: how many there are, and should be

  void add(const NamedFile& file) {
    const auto name = name_of(file.path);
    distributed |= file.changed && name.starts_with("__") && name.ends_with(".distcp");
    metadata |= file.changed && name == ".metadata";
    trainers |= file.changed && name == "training_args.bin";
    trainer_state |= file.changed && name == "trainer_state.json";
    if (const auto shard = shard_of(name)) {
      auto& [there, of] = shards[shard->family];
      ++there;
      of = shard->of;
    }
  }

  std::string unfinished(std::string_view path) const {
    const auto where = path.empty() ? std::string_view{"."} : path;
    if (distributed && !metadata) return fmt::format("{}: no new .metadata yet", where);
    if (trainers && !trainer_state && is_trainers_folder(path))
      return fmt::format("{}: no new trainer_state.json yet", where);
    for (const auto& [family, count] : shards) {
      if (count.first < count.second)
        return fmt::format("{}: {} of {} files {}", where, count.first, count.second, family);
    }
    return {};
  }
};

}  // namespace

Log is_log(std::string_view path, std::uint64_t size) {
  const auto name = name_of(path);
  if (name.starts_with("events.out.tfevents.")) return Log::certain;
  if (name.ends_with(".log")) return Log::likely;
  constexpr std::array<std::string_view, 4> kTables = {".jsonl", ".ndjson", ".csv", ".tsv"};
  const bool table = std::ranges::any_of(kTables, [&](auto end) { return name.ends_with(end); });
  return table && size <= kLargestTable ? Log::likely : Log::no;
}

std::string unfinished(const std::vector<NamedFile>& files) {
  std::map<std::string_view, Folder> folders;
  for (const auto& file : files) {
    if (file.changed) folders[folder_of(file.path)];
  }
  if (folders.empty()) return {};
  for (const auto& file : files) {
    const auto folder = folders.find(folder_of(file.path));
    if (folder != folders.end()) folder->second.add(file);
  }
  for (const auto& [path, folder] : folders) {
    if (auto what = folder.unfinished(path); !what.empty()) return what;
  }
  return {};
}

}  // namespace holdfast::checkpoint
