#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "runtime/gpu_driver.hpp"

using namespace holdfast::runtime;
namespace fs = std::filesystem;

TEST_CASE("with a GPU comes what its driver's libraries open, as far as it is there") {
  std::string dev = (fs::temp_directory_path() / "holdfast-dev-XXXXXX").string();
  REQUIRE(::mkdtemp(dev.data()) != nullptr);
  for (const auto* name : {"nvidia0", "nvidiactl", "nvidia-uvm", "null"}) std::ofstream(fs::path(dev) / name) << "";
  fs::create_directory(fs::path(dev) / "nvidia-caps");
  CHECK(gpu_driver_devices({"/dev/fuse", "/dev/nvidia0"}, dev) ==
        std::vector<std::string>{dev + "/nvidiactl", dev + "/nvidia-uvm", dev + "/nvidia-caps"});
  CHECK(gpu_driver_devices({"/dev/fuse", "/dev/nvidiactl", "/dev/nvidia"}, dev).empty());
  CHECK(gpu_driver_devices({}, dev).empty());
  fs::remove_all(dev);
}
