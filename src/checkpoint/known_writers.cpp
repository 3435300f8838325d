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

// Of a file that belongs to one step of the training.
struct Step {
  std::string series;                  // its path up to the name of the step, with # for each number
  std::vector<std::uint64_t> numbers;  // in the order of the name, "epoch=3-step=500" is after "epoch=2-step=900"
};

// The number that `text` begins with is moved out of it.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

// "step=500.ckpt" gives "step=#.ckpt" and 500.
std::optional<Step> step_in_name(std::string_view name) {
  constexpr std::array<std::string_view, 6> kWords = {"step", "iteration", "iter", "epoch", "checkpoint", "ckpt"};
  Step step;
  while (!name.empty()) {
    const auto word = std::ranges::find_if(kWords, [&](auto one) { return name.starts_with(one); });
    std::size_t length = word == kWords.end() ? 1 : word->size();
    if (word != kWords.end() && length < name.size() &&
        std::string_view("-_=").find(name[length]) != std::string_view::npos)
      ++length;
    step.series += name.substr(0, length);
    name.remove_prefix(length);
    if (word == kWords.end()) continue;
    if (const auto number = take_number(name)) {
      step.series += '#';
      step.numbers.push_back(*number);
    }
  }
  if (step.numbers.empty()) return std::nullopt;
  return step;
}

std::optional<Step> step_of(std::string_view path) {
  for (std::size_t begin = 0; begin < path.size();) {
    const auto slash = path.find('/', begin);
    const auto name = path.substr(begin, slash == std::string_view::npos ? slash : slash - begin);
    auto step = step_in_name(name);
    auto digits = name;
    // Orbax' folders are numbers.
    if (const auto number = slash != std::string_view::npos && is_digits(name) ? take_number(digits) : std::nullopt) {
      step = Step{"#", {*number}};
    }
    if (step) {
      step->series.insert(0, path.substr(0, begin));
      return step;
    }
    if (slash == std::string_view::npos) break;
    begin = slash + 1;
  }
  return std::nullopt;
}

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

bool is_of_later_steps(const NamesAfter& after, const std::set<std::string>& saved) {
  std::map<std::string, std::vector<std::uint64_t>> last;  // of each series
  for (const auto& path : saved) {
    const auto step = step_of(path);
    if (step) last[step->series] = std::max(last[step->series], step->numbers);
  }
  const auto is_of_series = [&](std::string_view path) {
    const auto step = step_of(path);
    return step && last.contains(step->series);
  };
  const auto is_later = [&](std::string_view path) {
    const auto step = step_of(path);
    const auto known = step ? last.find(step->series) : last.end();
    return known != last.end() && step->numbers > known->second;
  };
  return !after.came.empty() && std::ranges::all_of(after.came, is_later) &&
         std::ranges::all_of(after.gone, is_of_series) && std::ranges::none_of(after.replaced, is_of_series);
}

}  // namespace holdfast::checkpoint
