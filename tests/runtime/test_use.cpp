#include <doctest/doctest.h>
#include <sys/sysmacros.h>
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

TEST_CASE("files that are mapped shared and writable are told from all others, as /proc writes them") {
  const auto mapped = files_mapped_for_writing(
      "7f1c00000000-7f1c00021000 rw-p 00000000 00:00 0 \n"
      "7f1c10000000-7f1c10010000 r--s 00000000 fe:01 77                         /opt/ml/checkpoints/read\n"
      "7f1c20000000-7f1c20010000 rw-p 00000000 fe:01 78                         /opt/ml/checkpoints/private\n"
      "7f1c30000000-7f1c30010000 rw-s 00001000 fe:01 79                         /opt/ml/checkpoints/a file: b\n"
      "7f1c40000000-7f1c40010000 rw-s 00000000 fe:01 79                         /opt/ml/checkpoints/a file: b\n"
      "7f1c50000000-7f1c50010000 -w-s 00000000 103:0a 80\n"
      "7f1c60000000-7f1c60010000 rw-s 00000000 00:05 0\n"
      "7ffd 0 w s\nrw-s\n7f-80 rw-s");
  CHECK(mapped == std::set<MappedFile>{{::makedev(0xfe, 1), 79, "/opt/ml/checkpoints/a file: b"},
                                       {::makedev(0x103, 10), 80, ""}});
  CHECK(files_mapped_for_writing("").empty());
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
