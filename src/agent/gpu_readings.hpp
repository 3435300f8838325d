// What NVIDIA's driver says of GPUs, through the tool that comes with it: no library of theirs need be there, nor be
// trusted to return.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/host.hpp"

namespace holdfast::agent {

// Of the devices ("/dev/nvidia0") that are asked for and answered within kGpuAnswerWithin; empty where there is no such
// tool.
constexpr Duration kGpuAnswerWithin = seconds{3};
std::vector<Readings::Gpu> read_gpus(const std::vector<std::string>& devices, Clock& clock);

// The numbers of the devices, "0,2"; empty: none of them is a GPU's.
std::string gpu_numbers(const std::vector<std::string>& devices);
// Lines of "utilization.gpu, memory.used, memory.total" in percent and MiB; "[N/A]" and the like are absent.
std::vector<Readings::Gpu> parse_gpus(std::string_view csv);

}  // namespace holdfast::agent
