#include "runtime/gpu_driver.hpp"

#include <algorithm>

namespace holdfast::runtime {
namespace {

bool is_gpu(const std::string& device) {
  const auto name = std::filesystem::path{device}.filename().string();
  constexpr std::string_view kPrefix = "nvidia";
  return name.size() > kPrefix.size() && name.starts_with(kPrefix) &&
         std::ranges::all_of(name.substr(kPrefix.size()), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::vector<std::string> gpu_driver_devices(const std::vector<std::string>& devices, const std::filesystem::path& dev) {
  std::vector<std::string> found;
  if (std::ranges::none_of(devices, is_gpu)) return found;
  for (const auto* name : {"nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset", "nvidia-caps"}) {
    std::error_code error;
    if (std::filesystem::exists(dev / name, error)) found.push_back(dev / name);
  }
  return found;
}

}  // namespace holdfast::runtime
