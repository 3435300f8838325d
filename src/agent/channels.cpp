#include "agent/channels.hpp"

#include "agent/checkpoint_ledger.hpp"
#include "agent/download.hpp"

namespace holdfast::agent {
namespace {

constexpr std::size_t kMaxChannelObjects = 1'000'000;

}  // namespace

Result<ChannelContents> download_channel(ports::ObjectStore& store, const ports::S3Location& prefix, Folder& folder,
                                         Tasks& tasks) {
  const auto exists = store.bucket_exists(prefix.bucket);
  if (!exists) return fail(exists.error());
  if (!*exists) return fail(Kind::not_found, "s3://{}: there is no such bucket", prefix.bucket);
  const auto objects = list_all(store, prefix.bucket, prefix.key, kMaxChannelObjects);
  if (!objects) return fail(objects.error());

  const auto name_begins = prefix.key.rfind('/') + 1;  // npos + 1: the bucket itself
  std::vector<Download> files;
  ChannelContents contents;
  for (const auto& object : *objects) {
    if (object.key.ends_with('/')) continue;
    files.push_back({.key = object.key, .path = object.key.substr(name_begins), .size = object.size, .hash = ""});
    contents.bytes += object.size;
  }
  contents.files = files.size();
  if (files.empty()) {
    return fail(Kind::not_found, "s3://{}/{}: no object has a key that begins so", prefix.bucket, prefix.key);
  }
  auto done = download_files(store, prefix.bucket, files, folder, tasks);
  // Someone replaced an object while we read: looking again helps.
  if (!done && done.error().kind == Kind::conflict) return fail(Kind::try_again, "{}", done.error().message);
  if (!done) return fail(done.error());
  return contents;
}

}  // namespace holdfast::agent
