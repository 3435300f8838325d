#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <regex>
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
  const auto text = *read_file(path, 10'000);
  std::filesystem::remove(path);
  const std::string time = R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)";
  CHECK(std::regex_match(text, std::regex(time + " info job a starts\n" + time + " error \\{braces\\} stay\n")));
}
