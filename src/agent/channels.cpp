#include "agent/channels.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_set>

#include "agent/checkpoint_ledger.hpp"
#include "agent/download.hpp"
#include "checkpoint/paths.hpp"

namespace holdfast::agent {
namespace {

using job::Channel;
using job::InputMode;
using job::SourceType;

constexpr std::size_t kMaxFileName = 255;  // bytes, as Linux has it

// A channel's objects, all in one bucket, in the order of the keys or of the list.
struct Found {
  std::string bucket;
  std::vector<Download> files;
};

HostShare share_of_channel(const Channel& channel, HostShare share) {
  return channel.distribution == "ShardedByS3Key" ? share : HostShare{};
}

// What begins with a channel's prefix, without folder markers.
struct Listed {
  std::string prefix;
  std::vector<ports::ObjectInfo> objects;
};

Result<Listed> list_prefix(ports::ObjectStore& store, const Channel& channel, const ports::S3Location& location) {
  const bool whole_folder = channel.mode == InputMode::FastFile;
  const auto prefix = whole_folder ? ports::folder_prefix(location) : location.key;
  const auto exists = store.bucket_exists(location.bucket);
  if (!exists) return fail(exists.error());
  if (!*exists) return fail(Kind::not_found, "s3://{}: there is no such bucket", location.bucket);
  auto objects = list_all(store, location.bucket, prefix, kMaxChannelObjects);
  if (!objects) return fail(objects.error());
  std::erase_if(*objects, [](const auto& object) { return object.key.ends_with('/'); });
  if (!objects->empty()) return Listed{prefix, std::move(*objects)};
  return fail(Kind::not_found, "s3://{}/{}: no object has a key that begins so{}", location.bucket, prefix,
              whole_folder ? "; in FastFile mode S3Uri names a whole folder" : "");
}

Result<Found> find_by_prefix(ports::ObjectStore& store, const Channel& channel, const ports::S3Location& location) {
  const auto listed = list_prefix(store, channel, location);
  if (!listed) return fail(listed.error());
  const auto name_begins = listed->prefix.rfind('/') + 1;  // npos + 1: the bucket itself
  Found found{location.bucket, {}};
  for (const auto& object : listed->objects) {
    found.files.push_back({.key = object.key, .path = object.key.substr(name_begins), .size = object.size, .hash = ""});
  }
  return found;
}

Result<std::string> read_list(ports::ObjectStore& store, const Channel& channel, const ports::S3Location& location) {
  auto text = store.get_bytes(location.bucket, location.key, kMaxManifestBytes);
  if (!text) return fail(text.error(), "the list of objects {}", channel.s3_uri);
  return text;
}

Result<Found> find_by_manifest(ports::ObjectStore& store, const Channel& channel, const ports::S3Location& location) {
  const auto text = read_list(store, channel, location);
  if (!text) return fail(text.error());
  const auto manifest = parse_manifest(*text);
  if (!manifest) return fail(manifest.error(), "the ManifestFile {} is wrong", channel.s3_uri);
  Found found{manifest->bucket, {}};
  for (const auto& name : manifest->names) {
    found.files.push_back({.key = manifest->prefix + name, .path = name, .size = std::nullopt, .hash = ""});
  }
  return found;
}

Result<Found> find_objects(ports::ObjectStore& store, const Channel& channel, HostShare share) {
  const auto location = ports::parse_s3_uri(channel.s3_uri);
  if (!location) return fail(location.error());
  auto found = channel.type == SourceType::S3Prefix ? find_by_prefix(store, channel, *location)
                                                    : find_by_manifest(store, channel, *location);
  if (found) found->files = share_of(std::move(found->files), share_of_channel(channel, share));
  return found;
}

Result<std::vector<Piece>> find_by_lines(ports::ObjectStore& store, const Channel& channel, HostShare share) {
  const auto location = ports::parse_s3_uri(channel.s3_uri);
  if (!location) return fail(location.error());
  const auto text = read_list(store, channel, *location);
  if (!text) return fail(text.error());
  auto pieces = parse_augmented_manifest(*text, channel.attributes);
  if (!pieces) return fail(pieces.error(), "the AugmentedManifestFile {} is wrong", channel.s3_uri);
  share = share_of_channel(channel, share);
  std::vector<Piece> own;
  for (std::size_t i = 0; i < pieces->size(); ++i) {
    if (i / channel.attributes.size() % share.count == share.index) own.push_back(std::move((*pieces)[i]));
  }
  return own;
}

// The same name twice is one file, and must not be written by two tasks at once.
void keep_each_path_once(std::vector<Download>& files) {
  std::set<std::string> seen;
  std::erase_if(files, [&](const Download& file) { return !seen.insert(file.path).second; });
}

// What a disk would refuse has to be refused where there is no disk: names that are none, and one that is a file and a
// folder at once.
Result<void> check_names(const ChannelListing& listing) {
  const auto wrong = [&](const ListedFile& file, std::string_view why) {
    return fail(Kind::invalid, "s3://{}/{}{}: {}", listing.bucket, listing.prefix, file.path, why);
  };
  std::unordered_set<std::string_view> files;
  for (const auto& file : listing.files) {
    if (!checkpoint::is_safe_path(file.path))
      return wrong(file, "its name leads out of the directory, or is no file name");
    for (std::size_t begin = 0, end = 0; begin <= file.path.size(); begin = end + 1) {
      end = std::min(file.path.find('/', begin), file.path.size());
      if (end - begin > kMaxFileName) return wrong(file, "a part of its name is too long for a file");
    }
    files.insert(file.path);
  }
  for (const auto& file : listing.files) {
    for (auto folder = checkpoint::folder_of(file.path); !folder.empty(); folder = checkpoint::folder_of(folder)) {
      if (files.contains(folder)) return wrong(file, "a part of its name is a file where a folder should be");
    }
  }
  return {};
}

}  // namespace

Result<ChannelListing> list_channel(ports::ObjectStore& store, const Channel& channel, HostShare share) {
  const auto location = ports::parse_s3_uri(channel.s3_uri);
  if (!location) return fail(location.error());
  auto listed = list_prefix(store, channel, *location);
  if (!listed) return fail(listed.error());
  ChannelListing listing{location->bucket, std::move(listed->prefix), {}};
  for (auto& object : share_of(std::move(listed->objects), share_of_channel(channel, share))) {
    listing.files.push_back(
        {object.key.substr(listing.prefix.size()), object.size, std::move(object.etag), object.modified});
  }
  if (auto fine = check_names(listing); !fine) return fail(fine.error());
  return listing;
}

Result<ChannelContents> download_channel(ports::ObjectStore& store, const Channel& channel, HostShare share,
                                         Folder& folder, Tasks& tasks) {
  auto found = find_objects(store, channel, share);
  if (!found) return fail(found.error());
  if (channel.type == SourceType::ManifestFile) keep_each_path_once(found->files);
  const auto done = download_files(store, found->bucket, found->files, folder, tasks);
  // Someone replaced an object while we read: looking again helps.
  if (!done && done.error().kind == Kind::conflict) return fail(Kind::try_again, "{}", done.error().message);
  if (!done) return fail(done.error());
  ChannelContents contents{done->size(), 0};
  for (const auto& file : *done) contents.bytes += file.size;
  return contents;
}

Result<ChannelStream> find_stream(ports::ObjectStore& store, const Channel& channel, HostShare share) {
  ChannelStream stream{{}, 1, channel.shuffle_seed, channel.gzip, channel.record_io};
  if (channel.type == SourceType::AugmentedManifestFile) {
    auto pieces = find_by_lines(store, channel, share);
    if (!pieces) return fail(pieces.error());
    stream.pieces = std::move(*pieces);
    stream.together = channel.attributes.size();
    return stream;
  }
  auto found = find_objects(store, channel, share);
  if (!found) return fail(found.error());
  for (auto& file : found->files) {
    stream.pieces.emplace_back(ports::S3Location{found->bucket, std::move(file.key)});
  }
  return stream;
}

std::vector<std::uint32_t> order_of(const ChannelStream& stream, std::uint64_t epoch) {
  const auto together = static_cast<std::uint32_t>(stream.together);
  const auto groups = static_cast<std::uint32_t>(stream.pieces.size() / together);
  std::vector<std::uint32_t> order;
  order.reserve(stream.pieces.size());
  const auto add = [&](std::uint32_t group) {
    for (std::uint32_t i = 0; i < together; ++i) order.push_back(group * together + i);
  };
  if (stream.shuffle_seed) {
    for (const auto group : shuffled(groups, *stream.shuffle_seed, epoch)) add(group);
  } else {
    for (std::uint32_t group = 0; group < groups; ++group) add(group);
  }
  return order;
}

}  // namespace holdfast::agent
