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

TEST_CASE("GPUs are shared out evenly, each to one instance") {
  const std::vector<std::string> all{"0", "1", "2", "3", "4"};
  using Gpus = std::vector<std::string>;
  CHECK(share_of_gpus(all, {}, 1) == all);
  CHECK(share_of_gpus(all, {}, 2) == Gpus{"0", "1"});
  CHECK(share_of_gpus(all, {"0", "1"}, 2) == Gpus{"2", "3"});
  CHECK(share_of_gpus(all, {"0", "1", "2", "3"}, 2).empty());
  CHECK(share_of_gpus({"0"}, {}, 8) == Gpus{"0"});
  CHECK(share_of_gpus({"0"}, {"0"}, 8).empty());
  CHECK(share_of_gpus({}, {}, 2).empty());
}
