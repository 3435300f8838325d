// What an input channel consists of, and its files on disk before the program starts. Channels in Pipe mode have no
// files: see pipe_feed.hpp; those in FastFile mode have files that are fetched when they are read: fast_files.hpp.
//
// The user's mistakes: Kind::not_found (no such bucket, no such list, nothing under the prefix), Kind::invalid (a list
// that is wrong, a key that is no path below the directory or both a file and a folder, too many objects). Anything
// else is trouble on our side or the store's.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/folder.hpp"
#include "agent/input_manifest.hpp"
#include "agent/object_order.hpp"
#include "agent/tasks.hpp"
#include "base/result.hpp"
#include "job/spec.hpp"
#include "ports/object_store.hpp"

namespace holdfast::agent {

struct ChannelContents {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

// All of this host's objects, as files; of a channel in FastFile mode too, where they cannot be had otherwise. S3Prefix
// is a raw key prefix, as SageMaker has it: `s3://b/tr` also matches `train/x`; in FastFile mode it is a whole folder,
// with or without the slash. A file lands at its key's rest after the prefix's last '/', that of a ManifestFile under
// the name that stands there. Keys that end in '/' (folder markers) are passed over.
Result<ChannelContents> download_channel(ports::ObjectStore& store, const job::Channel& channel, HostShare share,
                                         Folder& folder, Tasks& tasks);

// FastFile mode: the files that are shown, and of which version of its object each is. They land where
// download_channel() would put them.
struct ListedFile {
  std::string path;
  std::uint64_t size = 0;
  std::string version;  // an ETag
  Instant modified;
};
struct ChannelListing {
  std::string bucket;
  std::string prefix;  // a file's key is this and its path
  std::vector<ListedFile> files;
};
// Of a channel with S3Prefix: SageMaker knows no other one in this mode.
Result<ChannelListing> list_channel(ports::ObjectStore& store, const job::Channel& channel, HostShare share);

// Pipe mode: what is streamed in each epoch.
struct ChannelStream {
  std::vector<Piece> pieces;  // in the order of their keys, or of the list
  std::size_t together = 1;   // so many stay together when they are shuffled: those of one line
  std::optional<std::int64_t> shuffle_seed;
  bool gzip = false;       // objects are decompressed
  bool record_io = false;  // each piece becomes a record
};
Result<ChannelStream> find_stream(ports::ObjectStore& store, const job::Channel& channel, HostShare share);

// The order of an epoch, as positions in `pieces`.
std::vector<std::uint32_t> order_of(const ChannelStream& stream, std::uint64_t epoch);

}  // namespace holdfast::agent
