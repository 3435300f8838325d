// What a program needs beside a GPU itself.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace holdfast::runtime {

// NVIDIA's libraries reach a GPU through devices that all GPUs share. Those of them that are there, if one of `devices`
// is a GPU ("/dev/nvidia0"); none otherwise. The driver makes them as they are first needed, so that they may be
// missing after a boot until something has used the GPU (nvidia-modprobe -u -c 0).
std::vector<std::string> gpu_driver_devices(const std::vector<std::string>& devices,
                                            const std::filesystem::path& dev = "/dev");

}  // namespace holdfast::runtime
