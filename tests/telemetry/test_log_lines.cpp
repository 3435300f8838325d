// Lines as they stand in a log's file, and back.
#include "telemetry/log_lines.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <limits>

using namespace holdfast;
using namespace holdfast::telemetry;

namespace {

// As read from a file: the line lies in a text that may be written over.
ports::LogEvent read_back(std::string line) {
  REQUIRE(line.ends_with('\n'));
  const auto raw = parse_event(std::string_view(line).substr(0, line.size() - 1));
  REQUIRE(raw);
  const auto message = unescaped(raw->escaped);
  CHECK(unescape_in_place(line.data() + (raw->escaped.data() - line.data()), raw->escaped.size()) == message);
  CHECK(line.ends_with('\n'));
  return {raw->timestamp_ms, raw->ingestion_ms, message};
}

}  // namespace

TEST_CASE("an event is read back as it was, whatever its times and its message") {
  using Limits = std::numeric_limits<std::int64_t>;
  for (const auto time : {std::int64_t{0}, std::int64_t{7}, std::int64_t{1'764'338'400'123}, std::int64_t{-5},
                          std::int64_t{99'999'999'999'999'999}, std::int64_t{999'999'999'999'999'999},
                          std::int64_t{1'000'000'000'000'000'000}, Limits::max(), Limits::min()}) {
    for (const char* message :
         {"", "a line", "\\", "\\n", "\n", "two\nlines", "\\\n\\\\", "ends in \\", " 12 34", "\n\n\n"}) {
      CAPTURE(time);
      CAPTURE(message);
      std::string line;
      append_event_line(line, {time, 42, message});
      const auto event = read_back(line);
      CHECK(event.timestamp_ms == time);
      CHECK(event.ingestion_ms == 42);
      CHECK(event.message == message);
    }
  }
}

TEST_CASE("what is no event is none") {
  for (const char* line : {"", "E", "E ", "E 1", "E x 2 m", "E 1 x m", "B 1 2", "E 9223372036854775808 1 too large",
                           "E 1 99999999999999999999 too large", "E - 1 m"}) {
    CAPTURE(line);
    CHECK_FALSE(parse_event(line));
  }
  // Where a number of a batch ends in nothing but digits it is one, however long it may be.
  CHECK(parse_batch("B 18446744073709551615 1") == BatchId{Fence{~std::uint64_t{0}}, 1});
  CHECK_FALSE(parse_batch("B 18446744073709551616 1"));
}
