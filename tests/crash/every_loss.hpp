// Every disk that a loss of power can leave behind some recorded operations.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "crash/recorded_files.hpp"
#include "support/temp_dir.hpp"

namespace holdfast::testing {

inline std::string counts_of(const std::vector<FileOp>& ops) {
  std::map<std::string, std::size_t> counts;
  for (const auto& op : ops) ++counts[to_string(op.kind)];
  std::string text;
  for (const auto& [kind, count] : counts) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, kind);
  return text;
}

// Puts the disk of every moment and every loss before `judge`, which is told how many operations came before.
inline std::size_t for_every_loss(const std::vector<FileOp>& ops, std::size_t from,
                                  const std::function<void(const std::filesystem::path& disk, std::size_t k)>& judge) {
  FileModel model;
  std::size_t disks = 0;
  for (std::size_t k = 0; k <= ops.size(); ++k) {
    if (k >= from) {
      Tree last;
      const std::pair<Left, std::uint64_t> ways[] = {{Left::nothing, 0}, {Left::names, 0}, {Left::everything, 0},
                                                     {Left::some, k},    {Left::some, ~k}, {Left::some, k << 32}};
      for (const auto& [left, seed] : ways) {
        auto tree = model.after_power_loss(left, seed);
        if (tree == std::exchange(last, tree) && left != Left::nothing) continue;
        const TempDir disk;
        write_tree(tree, disk.path());
        const std::string what_is_left = to_string(left);
        CAPTURE(k);
        CAPTURE(what_is_left);
        CAPTURE(seed);
        judge(disk.path(), k);
        ++disks;
      }
    }
    if (k < ops.size()) model.apply(ops[k]);
  }
  return disks;
}

}  // namespace holdfast::testing
