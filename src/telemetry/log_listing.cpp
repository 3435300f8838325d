#include "telemetry/log_listing.hpp"

#include <algorithm>

#include "telemetry/log_names.hpp"

namespace holdfast::telemetry {

namespace fs = std::filesystem;

namespace {

std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  for (; !error && entry != fs::directory_iterator{}; entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  return names;
}

tl::unexpected<Error> too_many_streams(const std::string& prefix) {
  return fail(Kind::invalid, "more than {} streams begin with \"{}\": give a longer prefix", kMaxStreamsListed, prefix);
}

}  // namespace

Result<std::vector<std::string>> list_training_streams(const fs::path& directory, const std::string& prefix) {
  const auto slash = prefix.find('/');
  std::vector<std::string> jobs;
  if (slash != std::string::npos) {
    jobs.push_back(prefix.substr(0, slash));
  } else {
    jobs = names_in(directory);
  }
  std::vector<std::string> streams;
  for (const auto& job : jobs) {
    if (!is_job_word(job) || !job.starts_with(prefix.substr(0, slash))) continue;
    for (const auto& file : names_in(directory / job)) {
      if (!file.ends_with(kLogSuffix)) continue;
      auto stream = job + "/" + file.substr(0, file.size() - kLogSuffix.size());
      if (!stream.starts_with(prefix) || !is_training_stream(stream)) continue;
      if (streams.size() == kMaxStreamsListed) return too_many_streams(prefix);
      streams.push_back(std::move(stream));
    }
  }
  std::sort(streams.begin(), streams.end());
  return streams;
}

Result<std::vector<std::string>> list_streams(const fs::path& directory, const std::string& prefix) {
  std::vector<std::string> streams;
  std::error_code error;
  fs::recursive_directory_iterator entry(directory, error);
  for (; !error && entry != fs::recursive_directory_iterator{}; entry.increment(error)) {
    auto name = stream_of_path(entry->path().lexically_relative(directory));
    if (!name || !name->starts_with(prefix)) continue;
    if (streams.size() == kMaxStreamsListed) return too_many_streams(prefix);
    streams.push_back(std::move(*name));
  }
  std::sort(streams.begin(), streams.end());
  return streams;
}

}  // namespace holdfast::telemetry
