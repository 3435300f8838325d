#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/processes.hpp"

using namespace holdfast;
using namespace holdfast::runtime;

TEST_CASE("a process's time and memory, as /proc writes them") {
  const std::string ticks = std::to_string(2 * ::sysconf(_SC_CLK_TCK));
  const std::string stat = "42 (a) b) S 1 42 42 0 -1 4194560 100 0 0 0 " + ticks + " " + ticks + " 0 " + ticks +
                           " 20 0 1 0 12345 1000 10 18446744073709551615\n";
  const auto use = use_of_process(stat, "00400000-7ff [rollup]\nRss:  900 kB\nPss:  512 kB\n", "100 50 1");
  CHECK(use.processor_time == seconds{6});
  CHECK(use.memory_bytes == 512 * 1024);
  CHECK(use_of_process(stat, "", "100 50 1").memory_bytes == 50 * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  const auto gone = use_of_process("", "", "");
  CHECK(!gone.processor_time);
  CHECK(!gone.memory_bytes);
  CHECK(!use_of_process("42 (a) S 1 2 3", "", "").processor_time);
}

TEST_CASE("our own use, children that were waited for included") {
  const auto before = use_of({::getpid()});
  REQUIRE(before.processor_time);
  REQUIRE(before.memory_bytes);
  CHECK(*before.memory_bytes > 100 * 1024);
  const pid_t child = ::fork();
  if (child == 0) {
    // By its own time, not by the clock.
    while (use_of({::getpid()}).processor_time < milliseconds{50}) {
    }
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  CHECK(*use_of({::getpid()}).processor_time >= *before.processor_time + milliseconds{40});
  CHECK(!use_of({}).memory_bytes);
}
