#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "capacity/provider_fixture.hpp"

using namespace holdfast;
using namespace holdfast::capacity;

TEST_CASE("a launch starts the agent in a directory of its own and says so") {
  Fixture local;
  local.start();
  const auto process = local.launch(1);
  CHECK(runs(process));
  const auto leases = local.provider->list();
  REQUIRE(leases);
  REQUIRE(leases->size() == 1);
  CHECK(leases->front().fence == Fence{1});
  CHECK(leases->front().job == JobName{"job"});
  CHECK(leases->front().instance == InstanceId{"i-0000000000000001"});
  CHECK(eventually([&] { return local.log(1) == "started\n"; }));
}

TEST_CASE("an agent has a session, a working directory and open files of its own") {
  const Fd inherited{::open("/dev/null", O_RDONLY)};
  Fixture local;
  local.agent(
      R"(ls /proc/self/fd | tr '\n' ' '; pwd; cut -d' ' -f6 "/proc/$$/stat"; echo $$; cat; echo "$2"; exec sleep 1000)");
  local.start();
  const auto process = local.launch(1);
  // 3 is the directory that ls reads.
  const auto expected = fmt::format("0 1 2 3 /\n{}\n{}\n{}\n", process.pid, process.pid, local.dir(1).string());
  CHECK(eventually([&] { return local.log(1).size() >= expected.size(); }));
  CHECK(local.log(1) == expected);
}

TEST_CASE("the second launch of a fence starts nothing and is answered like the first") {
  Fixture local;
  local.start();
  const auto process = local.launch(1);
  local.provider->launch(Fixture::request(1));
  CHECK(local.events->wait<ports::InstanceUp>(Fence{1}, 2).size() == 2);
  CHECK(local.process(1).pid == process.pid);
  CHECK(local.provider->list()->size() == 1);
  CHECK(local.log(1).size() <= std::string_view("started\n").size());
}

TEST_CASE("two launches of one fence at once start one agent") {
  Fixture local;
  local.start();
  local.provider->launch(Fixture::request(1));
  local.provider->launch(Fixture::request(1));
  CHECK(local.provider->list()->size() == 1);
  CHECK(local.free_slots(true) == 3);
  CHECK(local.events->wait<ports::InstanceUp>(Fence{1}, 2).size() == 2);
  CHECK(eventually([&] { return local.log(1) == "started\n"; }));
}

TEST_CASE("an agent that ends is noticed, and its slot is free again") {
  Fixture local;
  local.agent("while [ ! -e \"$2/go\" ]; do sleep 0.01; done; exit 3");
  local.start();
  local.launch(1);
  std::ofstream(local.dir(1) / "go") << "";
  const auto gone = local.gone(1);
  REQUIRE(gone.size() == 1);
  CHECK_FALSE(gone[0].reclaimed);
  CHECK(eventually([&] { return local.free_slots(true) == 4; }));
  CHECK(local.provider->list()->empty());
}

TEST_CASE("an agent that is killed by someone else is gone, not reclaimed") {
  Fixture local;
  local.start();
  const auto process = local.launch(1);
  ::kill(process.pid, SIGKILL);
  const auto gone = local.gone(1);
  REQUIRE(gone.size() == 1);
  CHECK_FALSE(gone[0].reclaimed);
  CHECK(gone[0].job == JobName{"job"});
  CHECK(gone[0].why == "its agent ended by itself");
  CHECK(eventually([&] { return local.events->count<ports::CapacityChanged>() == 1; }));
}

TEST_CASE("a released instance is gone with everything it started and with its token, but not its log") {
  Fixture local;
  local.agent("sleep 1000 & echo $!; mkdir -p \"$2/ml/deep\"; chmod 0 \"$2/ml/deep\"; wait");
  local.start();
  const auto agent = local.launch(1);
  const auto assignment = local.dir(1) / "assignment.json";
  struct stat info {};
  REQUIRE(::stat(assignment.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK(read_file(assignment, 100) == std::string("secret"));
  REQUIRE(eventually([&] { return fs::exists(local.dir(1) / "ml/deep"); }));
  const pid_t child = std::stoi(local.log(1));

  local.provider->release(Fence{1});
  const auto gone = local.gone(1);
  REQUIRE(gone.size() == 1);
  CHECK_FALSE(gone[0].reclaimed);
  CHECK_FALSE(fs::exists(assignment));
  CHECK_FALSE(runs(agent));
  CHECK(eventually([&] {
    const auto stat = read_file(fmt::format("/proc/{}/stat", child), 4096);
    return !stat || stat->find(") Z ") != std::string::npos;
  }));
  CHECK(eventually([&] { return !fs::exists(local.dir(1) / "ml"); }));
  CHECK(local.log(1) == fmt::format("{}\n", child));
  CHECK(local.provider->list()->empty());
}

TEST_CASE("a release is answered however often it is asked, and for a fence that nobody knows") {
  Fixture local;
  local.start();
  local.launch(1);
  local.provider->release(Fence{1});
  CHECK(local.gone(1).size() == 1);
  local.provider->release(Fence{1});
  CHECK(local.gone(1, 2).size() == 2);
  local.provider->release(Fence{99});
  CHECK(local.gone(99).size() == 1);
}

TEST_CASE("a launch after the release of its fence starts nothing") {
  Fixture local;
  local.start();
  local.provider->release(Fence{1});
  local.provider->launch(Fixture::request(1));
  CHECK(local.gone(1, 2).size() == 2);
  CHECK(local.events->count<ports::InstanceUp>() == 0);
  CHECK_FALSE(fs::exists(local.dir(1)));
}

TEST_CASE("a launch without a free slot is refused, and so is the same fence later") {
  Fixture local;
  local.options.spot_slots = 1;
  local.start();
  local.launch(1);
  CHECK(local.free_slots(true) == 0);
  CHECK(local.free_slots(false) == 4);
  local.provider->launch(Fixture::request(2));
  CHECK(local.events->wait<ports::LaunchRefused>(Fence{2})[0].why == "all 1 spot slots are busy");
  local.provider->release(Fence{1});
  CHECK(local.gone(1).size() == 1);
  local.provider->launch(Fixture::request(2));
  CHECK(local.events->wait<ports::LaunchRefused>(Fence{2}, 2).size() == 2);
  // The service releases what it gave up, and asks again until it hears that nothing is left.
  local.provider->release(Fence{2});
  CHECK(local.gone(2).size() == 1);
  local.launch(3);
  local.launch(4, false);
}

TEST_CASE("the release of a refused launch is answered as one, and the launch is refused for good") {
  Fixture local;
  local.options.spot_slots = 0;
  local.start();
  local.provider->launch(Fixture::request(1));
  CHECK(local.events->wait<ports::LaunchRefused>(Fence{1}).size() == 1);
  local.provider->release(Fence{1});
  CHECK(local.gone(1).size() == 1);
  local.provider->launch(Fixture::request(1));
  CHECK(local.events->wait<ports::LaunchRefused>(Fence{1}, 2).size() == 2);
}

TEST_CASE("a release is answered even when its fence is older than all that can be remembered") {
  Fixture local;
  local.start();
  for (std::uint64_t i = 0; i < kMaxEndedRemembered; ++i) local.provider->release(Fence{1000 + i});
  local.provider->release(Fence{1});
  CHECK(local.gone(1).size() == 1);
}

TEST_CASE("an agent that cannot be executed is a refused launch that says why") {
  Fixture local;
  local.options.agent_command = {"/no/such/agent"};
  local.start();
  local.provider->launch(Fixture::request(1));
  const auto refused = local.events->wait<ports::LaunchRefused>(Fence{1});
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].why == "starting /no/such/agent: executing it: No such file or directory");
  CHECK_FALSE(fs::exists(local.dir(1) / "assignment.json"));
}

TEST_CASE("agents leave no zombies with us") {
  Fixture local;
  local.start();
  for (std::uint64_t fence = 1; fence <= 3; ++fence) {
    local.launch(fence);
    local.provider->release(Fence{fence});
    REQUIRE(local.gone(fence).size() == 1);
  }
  errno = 0;
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

TEST_CASE("of ended instances only the last logs are kept") {
  Fixture local;
  local.start();
  const std::uint64_t last = kKeptEndedInstances + 3;
  for (std::uint64_t fence = 1; fence <= last; ++fence) {
    local.launch(fence);
    local.provider->release(Fence{fence});
    REQUIRE(local.gone(fence).size() == 1);
  }
  CHECK(eventually([&] { return !fs::exists(local.dir(3)); }));
  CHECK_FALSE(fs::exists(local.dir(1)));
  CHECK(fs::exists(local.dir(4) / kAgentLog));
  CHECK(fs::exists(local.dir(last) / kAgentLog));
}

TEST_CASE("offers name the prices by type beside the price of any type, cheapest first") {
  Fixture local;
  local.options.catalog.types["ml.m5.large"] = {115'000, 35'000};
  local.start();
  const auto offers = local.provider->offers(local.clock.now());
  REQUIRE(offers.size() == 4);
  CHECK(offers[0].instance_type == "ml.m5.large");
  CHECK(offers[0].spot);
  CHECK(offers[0].price_per_hour == 35'000);
  CHECK(offers[0].on_demand_per_hour == 115'000);
  CHECK(offers[0].free_slots == 4);
  CHECK(offers[2].instance_type == "*");
  CHECK(offers[2].spot);
  CHECK(offers[0].pool == offers[2].pool);
  CHECK(offers[3].price_per_hour == 1'000'000);
  CHECK_FALSE(offers[3].spot);
}

TEST_CASE("only GPU types get the GPUs") {
  Fixture local;
  local.options.gpus = {"/dev/nvidia0"};
  local.start();
  local.provider->launch(Fixture::request(1, true, "ml.g5.xlarge"));
  local.provider->launch(Fixture::request(2, true, "ml.m5.large"));
  REQUIRE(local.events->wait<ports::InstanceUp>(Fence{1}).size() == 1);
  REQUIRE(local.events->wait<ports::InstanceUp>(Fence{2}).size() == 1);
  CHECK(InstanceDir(local.options.directory, Fence{1}).record()->gpus == local.options.gpus);
  CHECK(InstanceDir(local.options.directory, Fence{2}).record()->gpus.empty());

  local.provider->launch(Fixture::request(3, false, "ml.g5.xlarge"));
  const auto refused = local.events->wait<ports::LaunchRefused>(Fence{3});
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].why == "too few of the 1 GPUs of this machine are free");
}

TEST_CASE("options that cannot work are refused") {
  Fixture local;
  auto options = local.options;
  options.agent_command = {"agent"};
  CHECK(LocalProvider::open(options, local.clock).error().kind == Kind::invalid);
  options = local.options;
  options.spot_slots = -1;
  CHECK(LocalProvider::open(options, local.clock).error().kind == Kind::invalid);
  fs::create_directories(local.options.directory);
}
