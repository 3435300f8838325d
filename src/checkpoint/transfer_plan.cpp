#include "checkpoint/transfer_plan.hpp"

#include <algorithm>

namespace holdfast::checkpoint {
namespace {

// Sorted by path.
template <class Entry>
bool any_below(const std::vector<Entry>& entries, const std::string& folder) {
  const auto first = std::ranges::lower_bound(entries, folder + "/", {}, &Entry::path);
  return first != entries.end() && first->path.starts_with(folder + "/");
}

}  // namespace

std::vector<Link> links_beside(const std::vector<LocalFile>& files, const std::vector<Link>& links) {
  std::vector<Link> beside;
  for (const auto& link : links) {
    const bool in_the_way = std::ranges::binary_search(files, link.path, {}, &LocalFile::path) ||
                            any_below(files, link.path) || any_below(links, link.path);
    if (!in_the_way) beside.push_back(link);
  }
  return beside;
}

TransferPlan plan_transfer(const std::vector<LocalFile>& local, const std::map<std::string, UploadedFile>& uploaded,
                           const std::vector<ManifestFile>& last) {
  TransferPlan plan;
  for (const auto& file : local) {
    const auto stored = uploaded.find(file.path);
    if (stored != uploaded.end() && stored->second.identity == file.identity) {
      plan.stored.push_back(stored->second.file);
    } else {
      plan.upload.push_back(file);
    }
  }
  for (const auto& file : last) {
    if (!std::ranges::binary_search(local, file.path, {}, &LocalFile::path)) plan.deleted.push_back(file.path);
  }
  return plan;
}

}  // namespace holdfast::checkpoint
