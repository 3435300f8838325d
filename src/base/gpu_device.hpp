// NVIDIA's GPUs by the names of their device files.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace holdfast {

// 0 of "/dev/nvidia0". Nothing for "/dev/nvidiactl", "/dev/nvidia-uvm" and whatever else is no GPU.
inline std::optional<unsigned> gpu_number(std::string_view device) {
  constexpr std::string_view kPrefix = "nvidia";
  device.remove_prefix(device.rfind('/') + 1);  // of npos + 1: nothing
  if (!device.starts_with(kPrefix)) return std::nullopt;
  device.remove_prefix(kPrefix.size());
  unsigned number = 0;
  const auto [end, error] = std::from_chars(device.data(), device.data() + device.size(), number);
  if (error != std::errc{} || end != device.data() + device.size()) return std::nullopt;
  return number;
}

}  // namespace holdfast
