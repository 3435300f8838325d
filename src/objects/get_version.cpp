#include "objects/get_version.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "objects/object_file.hpp"
#include "objects/s3_store.hpp"
#include "ports/bucket_store.hpp"

namespace holdfast::objects {
namespace {

constexpr std::size_t kBlock = 1u << 20;

// What was opened stays what it is.
Result<std::uint64_t> get_opened(const ports::OpenObject& object, const std::string& what, std::uint64_t offset,
                                 std::uint64_t length, const ports::ObjectStore::Sink& sink) {
  if (offset >= object.info.size) return std::uint64_t{0};
  const auto wanted = std::min(length, object.info.size - offset);
  std::string block;
  for (std::uint64_t done = 0; done < wanted; done += block.size()) {
    block.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, wanted - done)));
    if (auto read = read_at(object.fd.get(), offset + done, block, what); !read) return fail(read.error());
    if (auto taken = sink(block); !taken) return fail(taken.error());
  }
  return wanted;
}

}  // namespace

Result<std::uint64_t> get_version(ports::ObjectStore& store, const std::string& bucket, const std::string& key,
                                  const std::string& version, std::uint64_t offset, std::uint64_t length,
                                  const ports::ObjectStore::Sink& sink) {
  if (auto* s3 = dynamic_cast<S3Store*>(&store)) return s3->get_version(bucket, key, version, offset, length, sink);
  auto* files = dynamic_cast<ports::BucketStore*>(&store);
  const auto what = "reading " + uri(bucket, key);
  if (files == nullptr) return fail(Kind::permanent, "{}: this store cannot hold a reader to one version", what);
  const auto object = files->open_object(bucket, key);
  if (!object) return fail(object.error());
  if (object->info.etag != version) return fail(Kind::conflict, "{}: it was replaced", what);
  return get_opened(*object, what, offset, length, sink);
}

}  // namespace holdfast::objects
