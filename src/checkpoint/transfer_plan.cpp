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

TransferPlan plan_transfer(const std::vector<const LocalFile*>& local,
                           const std::map<std::string, UploadedFile>& uploaded, const std::vector<ManifestFile>& last) {
  TransferPlan plan;
  plan.unchanged.reserve(local.size());
  auto stored = uploaded.begin();
  auto before = last.begin();
  for (const auto* file : local) {
    while (stored != uploaded.end() && stored->first < file->path) ++stored;
    for (; before != last.end() && before->path < file->path; ++before) plan.deleted.push_back(before->path);
    const bool in_last = before != last.end() && before->path == file->path;
    const bool is_stored =
        stored != uploaded.end() && stored->first == file->path && stored->second.identity == file->identity;
    plan.unchanged.push_back(in_last && is_stored && same_content(*before, stored->second.file));
    if (in_last) ++before;
    if (is_stored) {
      plan.stored.push_back(&stored->second.file);
    } else {
      plan.upload.push_back(*file);
    }
  }
  for (; before != last.end(); ++before) plan.deleted.push_back(before->path);
  return plan;
}

}  // namespace holdfast::checkpoint
