#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/file.hpp"
#include "telemetry/service_log.hpp"

using namespace holdfast;
using namespace holdfast::telemetry;

TEST_CASE("levels are read by name") {
  CHECK(*parse_level("warn") == Level::warn);
  CHECK(parse_level("loud").error().message == "log level \"loud\": allowed are debug, info, warn and error");
}

TEST_CASE("the service's log goes to stderr, one line each with time and level") {
  std::string path = (std::filesystem::temp_directory_path() / "holdfast-log-XXXXXX").string();
  {
    const Fd file{::mkstemp(path.data())};
    const Fd saved{::dup(STDERR_FILENO)};
    ::dup2(file.get(), STDERR_FILENO);
    log_to_stderr(Level::info);
    log_debug("not this");
    log_info("job {} starts", "a");
    log_error("{{braces}} stay");
    set_log_sink(nullptr);
    ::dup2(saved.get(), STDERR_FILENO);
  }
  auto text = *read_file(path, 10'000);
  std::filesystem::remove(path);
  for (char& c : text) c = c >= '0' && c <= '9' ? '0' : c;
  CHECK(text ==
        "0000-00-00T00:00:00.000Z info job a starts\n"
        "0000-00-00T00:00:00.000Z error {braces} stay\n");
}
