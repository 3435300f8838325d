#include "runtime/cgroup.hpp"

#include <signal.h>

#include <algorithm>

#include "runtime/processes.hpp"
#include "sandbox_fixture.hpp"

using namespace holdfast;
using namespace holdfast::runtime;
namespace fs = std::filesystem;

namespace {

// Whether this machine lets us limit; says loudly when not.
bool can_limit(const CgroupLimits& limits) {
  const auto group = Cgroup::create(limits);
  if (group.missing().empty()) return true;
  std::cerr << "\n*** SKIPPED, NOT PASSED: this machine allows no limits: " << group.missing() << "\n\n";
  return false;
}

}  // namespace

TEST_CASE("version 1: each controller has its own tree, and ours lies below the group that we run in") {
  const auto found =
      find_hierarchy("memory", "5:pids:/a\n4:cpu,memory:/jobs/7\n0::/\n",
                     "30 25 0:26 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
                     "31 25 0:27 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,cpu,memory\n"
                     "32 25 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  REQUIRE(found);
  CHECK(found->version == 1);
  CHECK(found->mountpoint == "/sys/fs/cgroup/memory");
  CHECK(found->own == "/sys/fs/cgroup/memory/jobs/7");
}

TEST_CASE("version 2: one tree for all, the fallback where version 1 does not have the controller") {
  const std::string mounts = "30 25 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
  const auto found = find_hierarchy("pids", "0::/user.slice/session-1.scope\n", mounts);
  REQUIRE(found);
  CHECK(found->version == 2);
  CHECK(found->own == "/sys/fs/cgroup/user.slice/session-1.scope");
  CHECK_FALSE(find_hierarchy("pids", "0::/x\n", "1 2 0:3 / /proc rw - proc proc rw\n"));
  CHECK_FALSE(find_hierarchy("pids", "", ""));
  CHECK_FALSE(find_hierarchy("pids", "5:pids:/\n", mounts));  // version 1 has it, but it is not mounted
}

TEST_CASE("in a container the mounted part is what there is, wherever our group is said to be") {
  const std::string mounts = "31 25 0:27 /docker/abc /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n";
  CHECK(find_hierarchy("pids", "5:pids:/docker/abc/x\n", mounts)->own == "/sys/fs/cgroup/pids/x");
  CHECK(find_hierarchy("pids", "5:pids:/docker/abc\n", mounts)->own == "/sys/fs/cgroup/pids");
  CHECK(find_hierarchy("pids", "5:pids:/elsewhere\n", mounts)->own == "/sys/fs/cgroup/pids");
}

TEST_CASE("a group goes when it is done, and one left behind by a dead maker is swept") {
  if (!can_limit({std::nullopt, 10})) return;
  fs::path directory, abandoned;
  {
    const auto group = Cgroup::create({std::nullopt, 10});
    REQUIRE(group.directories().size() == 1);
    directory = group.directories()[0];
    CHECK(fs::exists(directory));
    abandoned = directory.parent_path() / "holdfast.999999999.abcdef";
    fs::create_directory(abandoned);
    const auto next = Cgroup::create({std::nullopt, 10});
    CHECK_FALSE(fs::exists(abandoned));
    CHECK(fs::exists(directory));
  }
  CHECK_FALSE(fs::exists(directory));
}

TEST_CASE("a program that forks without end is stopped by its limit, and kill ends all of it") {
  NEEDS_SANDBOX;
  if (!can_limit({std::nullopt, 100})) return;
  Sandbox sandbox;
  sandbox.spec.pids_limit = 60;
  const auto program =
      sandbox.python("import os\nwhile True:\n  try: os.fork()\n  except OSError: os.write(1, b'refused\\n')\n");
  std::string text;
  read_until(program->stdout_fd(), text, "refused\n");
  const auto pids = with_descendants(::getpid());
  CHECK(pids.size() > 10);
  CHECK(pids.size() <= 60 + 3);  // and bwrap twice, and this test
  program->kill();
  REQUIRE(becomes_readable(program->exit_fd()));
  CHECK(program->collect().code == 128 + SIGKILL);
  CHECK(with_descendants(::getpid()).size() == 1);
}

TEST_CASE("a program that takes more memory than it may have is killed, and the exit says why") {
  NEEDS_SANDBOX;
  if (!can_limit({256UL << 20, 100})) return;
  Sandbox sandbox;
  sandbox.spec.memory_bytes = 64UL << 20;
  const auto greedy = sandbox.run({"/usr/bin/python3", "-c", "x = bytearray(512 << 20)"});
  CHECK(greedy.exit.code == 128 + SIGKILL);
  CHECK(greedy.exit.out_of_memory);
  const auto modest = sandbox.shell("kill -KILL $$");
  CHECK(modest.exit.code == 128 + SIGKILL);
  CHECK_FALSE(modest.exit.out_of_memory);
}
