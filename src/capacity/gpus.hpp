// The GPUs of this machine, which instance types stand for one, and whose they are.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::capacity {

// "/dev/nvidia0", "/dev/nvidia1", ... in the order of their numbers; empty where there are none.
std::vector<std::string> gpu_devices(const std::filesystem::path& dev = "/dev");
// The p and g families (ml.p4d.24xlarge, ml.g5.xlarge).
bool is_gpu_type(std::string_view instance_type);
// What one of `slots` instances gets of `all`: an even share, one at least, of those that are not `taken`. Empty: too
// few are free now.
std::vector<std::string> share_of_gpus(const std::vector<std::string>& all, const std::set<std::string>& taken,
                                       int slots);

}  // namespace holdfast::capacity
