// The GPUs of this machine, and which instance types stand for one.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::capacity {

// "/dev/nvidia0", "/dev/nvidia1", ... in the order of their numbers; empty where there are none.
std::vector<std::string> gpu_devices(const std::filesystem::path& dev = "/dev");
// The p and g families (ml.p4d.24xlarge, ml.g5.xlarge).
bool is_gpu_type(std::string_view instance_type);

}  // namespace holdfast::capacity
