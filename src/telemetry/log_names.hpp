// The names of log streams as files. Any stream's name becomes a path below its group's directory and can be told from
// it again: "a/b" is "a%2Fb.log", and what is longer than a file's name may be goes on in a directory: "<200
// bytes>+/...".
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::telemetry {

constexpr std::string_view kLogSuffix = ".log";
constexpr std::string_view kIndexSuffix = ".idx";
constexpr std::size_t kMaxFileNamePart = 200;
constexpr std::size_t kMaxStreamNameBytes = 2048;  // 512 characters

// Relative, and ends in kLogSuffix. Empty: a name that is empty or longer than kMaxStreamNameBytes.
std::optional<std::filesystem::path> path_of_stream(std::string_view name);
// Empty: no path that path_of_stream gives.
std::optional<std::string> stream_of_path(const std::filesystem::path& relative);

// A stream of trainings is "<job>/<word>", and its file "<job>/<word>.log".
bool is_job_word(std::string_view word);
bool is_training_stream(std::string_view name);

}  // namespace holdfast::telemetry
