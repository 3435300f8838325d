// Every file in tests/scripts is a life of a job with its recorded output; job/script.hpp has the language.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "job/samples.hpp"
#include "job/script.hpp"

namespace holdfast::job::test {

TEST_CASE("every scenario gives the output recorded beneath its lines, and keeps every invariant") {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(HOLDFAST_SOURCE_DIR) + "/tests/scripts"))
    if (entry.path().extension() == ".txt") names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  REQUIRE(names.size() >= 20);
  for (const std::string& name : names) {
    CAPTURE(name);
    const std::string path = "tests/scripts/" + name;
    const std::string recorded = read_source_file(path);
    const std::string fresh = replay(recorded);
    CHECK(fresh.find("  BROKEN ") == std::string::npos);
    check_recording(path, recorded, fresh);
  }
}

TEST_CASE("a script that cannot be read is refused with its line") {
  CHECK_THROWS_WITH(replay("submit spot max_wait=1h\nfly\n"), "line 2: cannot read 'fly'");
  CHECK_THROWS_WITH(replay("stop\n"), "line 1: cannot read 'an event before the first submit'");
  CHECK_THROWS_WITH(replay("submit spot max_wait=1x\n"), "line 1: cannot read '1x'");
}

TEST_CASE("durations read back as they were written") {
  for (const std::int64_t ms : {0, 1, 999, 1000, 1500, 59'999, 60'000, 3'600'000, 3'661'001, 90'061'000})
    CHECK(parse_duration(duration_text(Duration{ms})) == Duration{ms});
  CHECK(duration_text(Duration{5'025'500}) == "1h23m45.5s");
  CHECK(duration_text(-hours{1}) == "-1h");
  CHECK(!parse_duration("h"));
  CHECK(!parse_duration("3"));
}

}  // namespace holdfast::job::test
