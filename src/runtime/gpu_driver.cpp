#include "runtime/gpu_driver.hpp"

#include <algorithm>

#include "base/gpu_device.hpp"

namespace holdfast::runtime {

std::vector<std::string> gpu_driver_devices(const std::vector<std::string>& devices, const std::filesystem::path& dev) {
  std::vector<std::string> found;
  if (std::ranges::none_of(devices, [](const auto& device) { return gpu_number(device).has_value(); })) return found;
  for (const auto* name : {"nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset", "nvidia-caps"}) {
    std::error_code error;
    if (std::filesystem::exists(dev / name, error)) found.push_back(dev / name);
  }
  return found;
}

}  // namespace holdfast::runtime
