// Which streams there are, as their files say. Names, sorted; Kind::invalid: more than kMaxStreamsListed begin with the
// prefix.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace holdfast::telemetry {

constexpr std::size_t kMaxStreamsListed = 100'000;

// The trainings' streams, in the directories of their jobs. Of a prefix with a slash only one of these is looked at.
Result<std::vector<std::string>> list_training_streams(const std::filesystem::path& directory,
                                                       const std::string& prefix);
// The streams of a user's group, in its own directory.
Result<std::vector<std::string>> list_streams(const std::filesystem::path& directory, const std::string& prefix);

}  // namespace holdfast::telemetry
