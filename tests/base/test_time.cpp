#include <doctest/doctest.h>

#include "base/random.hpp"
#include "base/time.hpp"

using namespace holdfast;

TEST_CASE("an instant prints as ISO 8601 in UTC with milliseconds") {
  CHECK(to_iso8601(from_ms(0)) == "1970-01-01T00:00:00.000Z");
  CHECK(to_iso8601(from_ms(1700000000123)) == "2023-11-14T22:13:20.123Z");
}

TEST_CASE("whole seconds round down, before the epoch too") {
  CHECK(to_epoch_seconds(from_ms(1999)) == 1);
  CHECK(to_epoch_seconds(from_ms(-1)) == -1);
}

TEST_CASE("a seeded generator repeats itself, and another seed differs") {
  SeededRandom a{7}, b{7}, c{8};
  const auto first = a.next();
  CHECK(first == b.next());
  CHECK(first != c.next());
  CHECK(random_uuid(a).size() == 36);
  CHECK(random_hex(a, 5).size() == 5);
}
