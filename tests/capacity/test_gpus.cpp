#include <fstream>

#include "capacity/gpus.hpp"
#include "capacity/provider_fixture.hpp"

using namespace holdfast::capacity;

TEST_CASE("GPUs are found by their device files, in the order of their numbers") {
  std::string dev = (fs::temp_directory_path() / "holdfast-dev-XXXXXX").string();
  REQUIRE(::mkdtemp(dev.data()) != nullptr);
  for (const auto* name : {"nvidia10", "nvidia2", "nvidia0", "nvidiactl", "nvidia-uvm", "nvidia", "null"}) {
    std::ofstream(fs::path(dev) / name) << "";
  }
  CHECK(gpu_devices(dev) == std::vector<std::string>{dev + "/nvidia0", dev + "/nvidia2", dev + "/nvidia10"});
  fs::remove_all(dev);
  CHECK(gpu_devices(dev).empty());
}

TEST_CASE("the p and g families stand for GPUs") {
  for (const auto* type : {"ml.p3.2xlarge", "ml.p4d.24xlarge", "ml.g4dn.xlarge", "ml.g5.xlarge"}) {
    CHECK(is_gpu_type(type));
  }
  for (const auto* type :
       {"ml.m5.large", "ml.trn1.2xlarge", "ml.geospatial.interactive", "p3.2xlarge", "ml.", "ml.p"}) {
    CHECK_FALSE(is_gpu_type(type));
  }
}
