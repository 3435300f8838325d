// What a job leaves behind: model.tar.gz (or the files in it below model/) and output.tar.gz at <output>/<job>/output/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

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
// Each file by itself, without compression, at .../output/model/<path>. A symbolic link is stored as the file that it
// leads to. What cannot be an object is passed over, as "path: why" for the user: a link that leads out of the
// directory, to nothing or to a folder, a name that no key can have, a pipe.
Result<std::vector<std::string>> store_model_files(ports::ObjectStore& store, const ports::S3Location& output,
                                                   const JobName& job, const std::filesystem::path& model_dir);
// An empty or missing directory stores nothing.
Result<std::optional<StoredArtifact>> store_output_data(ports::ObjectStore& store, const ports::S3Location& output,
                                                        const JobName& job,
                                                        const std::filesystem::path& output_data_dir,
                                                        const std::filesystem::path& scratch);

}  // namespace holdfast::agent
