#include "capacity/gpus.hpp"

#include <algorithm>
#include <system_error>

#include "base/gpu_device.hpp"

namespace holdfast::capacity {

std::vector<std::string> gpu_devices(const std::filesystem::path& dev) {
  std::vector<std::pair<unsigned, std::string>> found;
  std::error_code error;
  std::filesystem::directory_iterator entry(dev, error);
  for (; !error && entry != std::filesystem::directory_iterator{}; entry.increment(error)) {
    if (const auto number = gpu_number(entry->path().native())) {
      found.emplace_back(*number, entry->path().string());
    }
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> devices;
  for (auto& [number, path] : found) devices.push_back(std::move(path));
  return devices;
}

bool is_gpu_type(std::string_view instance_type) {
  constexpr std::string_view kService = "ml.";
  if (!instance_type.starts_with(kService)) return false;
  const auto family = instance_type.substr(kService.size());
  return family.size() >= 2 && (family[0] == 'p' || family[0] == 'g') && family[1] >= '0' && family[1] <= '9';
}

std::vector<std::string> share_of_gpus(const std::vector<std::string>& all, const std::set<std::string>& taken,
                                       int slots) {
  const auto share = std::max<std::size_t>(1, all.size() / static_cast<std::size_t>(std::max(1, slots)));
  std::vector<std::string> free;
  for (const auto& gpu : all) {
    if (free.size() < share && !taken.contains(gpu)) free.push_back(gpu);
  }
  if (free.size() < share) free.clear();
  return free;
}

}  // namespace holdfast::capacity
