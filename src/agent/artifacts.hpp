// What a job leaves behind: model.tar.gz and output.tar.gz at <output>/<job>/output/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "ports/object_store.hpp"

namespace holdfast::agent {

struct StoredArtifact {
  ports::S3Location location;
  std::uint64_t bytes = 0;  // of the archive
};

// s3://bucket/prefix/<job>/output/<file>: what Describe shows as S3ModelArtifacts.
ports::S3Location artifact_location(const ports::S3Location& output, const JobName& job, std::string_view file);

// Always stores an archive, of nothing when the directory is empty or missing. The archive is built in `scratch` first
// (same order for the same files); symbolic links are kept as links, so nothing outside the directory is read.
Result<StoredArtifact> store_model(ports::ObjectStore& store, const ports::S3Location& output, const JobName& job,
                                   const std::filesystem::path& model_dir, const std::filesystem::path& scratch);
// An empty or missing directory stores nothing.
Result<std::optional<StoredArtifact>> store_output_data(ports::ObjectStore& store, const ports::S3Location& output,
                                                        const JobName& job,
                                                        const std::filesystem::path& output_data_dir,
                                                        const std::filesystem::path& scratch);

}  // namespace holdfast::agent
