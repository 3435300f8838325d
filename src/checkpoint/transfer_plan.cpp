#include "checkpoint/transfer_plan.hpp"

#include <algorithm>

namespace holdfast::checkpoint {

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
