// What the simulated program writes into its checkpoints: files that say of themselves which step they belong to and
// how many they are, so that a torn one cannot hide.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sim/history.hpp"

namespace holdfast::sim {

struct FileContent {
  std::uint64_t step = 0;
  std::uint32_t number = 0;  // from 0
  std::uint32_t of = 0;
};
// Begins and ends with the step: a file of two halves is noticed.
std::string file_content(const FileContent& content);
// Nothing: no such file, or not a whole one.
std::optional<FileContent> parse_content(std::string_view bytes);

// What a program makes of the files that it finds: the newest folder of checkpoints, where it keeps folders.
Found look_at(const std::map<std::string, std::string>& files);

}  // namespace holdfast::sim
