// Input channels in File mode: everything under an S3 prefix, on disk before the program starts.
#pragma once

#include <cstdint>

#include "agent/folder.hpp"
#include "agent/tasks.hpp"
#include "base/result.hpp"
#include "ports/object_store.hpp"

namespace holdfast::agent {

struct ChannelContents {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

// The location is a raw key prefix, as SageMaker has it: `s3://b/tr` also matches `train/x`. A file lands at its key's
// rest after the prefix's last '/'. Keys that end in '/' (folder markers) are passed over.
// The user's mistakes: Kind::not_found (no such bucket, nothing under the prefix), Kind::invalid (a key that is no path
// below the directory, a key that is both a file and a folder, too many objects). Anything else is trouble on our side
// or the store's.
Result<ChannelContents> download_channel(ports::ObjectStore& store, const ports::S3Location& prefix, Folder& folder,
                                         Tasks& tasks);

}  // namespace holdfast::agent
