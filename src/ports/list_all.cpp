#include "ports/object_store.hpp"

namespace holdfast::ports {

constexpr std::size_t kPage = 1000;

Result<std::vector<ObjectInfo>> list_all(ObjectStore& store, const std::string& bucket, const std::string& prefix,
                                         std::size_t limit) {
  std::vector<ObjectInfo> all;
  for (;;) {
    auto page = store.list(bucket, prefix, all.empty() ? "" : all.back().key, kPage);
    if (!page) return fail(page.error());
    for (auto& object : page->objects) all.push_back(std::move(object));
    if (all.size() > limit) return fail(Kind::invalid, "s3://{}/{}: more than {} objects", bucket, prefix, limit);
    if (!page->truncated || page->objects.empty()) return all;
  }
}

}  // namespace holdfast::ports
