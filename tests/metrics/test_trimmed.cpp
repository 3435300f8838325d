// Values by hand: whole numbers up to 256 are kept as they are.
#include "metrics/trimmed.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "metrics/bucket.hpp"

using namespace holdfast::metrics;

namespace {

Bucket of_all(const std::vector<double>& values) {
  Bucket bucket;
  for (const double value : values) bucket.merge(Bucket::of(value));
  return bucket;
}

std::optional<double> told(const Bucket& bucket, const char* statistic) {
  const auto parsed = parse_statistic(statistic);
  REQUIRE_MESSAGE(parsed, statistic);
  CHECK(parsed->is_extended());
  return value_of(bucket, *parsed);
}

}  // namespace

TEST_CASE("a part of ten values, by share") {
  const auto bucket = of_all({10, 20, 30, 40, 50, 60, 70, 80, 90, 200});
  CHECK(told(bucket, "tm90") == 50);  // without the 200
  CHECK(told(bucket, "TM(:90%)") == 50);
  CHECK(told(bucket, "TM(10%:90%)") == 55);      // 20 to 90
  CHECK(told(bucket, "tm(10%:)") == 640.0 / 9);  // 20 to 200
  CHECK(told(bucket, "tm100") == 65);
  CHECK(told(bucket, "TC(10%:90%)") == 8);
  CHECK(told(bucket, "tc90") == 9);
  CHECK(told(bucket, "ts90") == 450);
  CHECK(told(bucket, "TS(80%:)") == 290);
  CHECK(told(bucket, "wm90") == 54);         // the 200 counts as the 90th percentile, 90
  CHECK(told(bucket, "WM(10%:90%)") == 55);  // and the 10 as 20
  // A quarter of ten is no whole number: what reaches into the bounds is in, so 30 to 80.
  CHECK(told(bucket, "IQM") == 55);
  CHECK(told(bucket, "iqm") == told(bucket, "TM(25%:75%)"));
}

TEST_CASE("a part of ten values, by value: above the lower bound and up to the upper one") {
  const auto bucket = of_all({10, 20, 30, 40, 50, 60, 70, 80, 90, 200});
  CHECK(told(bucket, "TM(20:60)") == 45);
  CHECK(told(bucket, "TC(20:60)") == 4);
  CHECK(told(bucket, "TS(:30)") == 60);
  CHECK(told(bucket, "PR(:30)") == 30);
  CHECK(told(bucket, "PR(20:60)") == 40);
  CHECK(told(bucket, "PR(90:)") == 10);
  CHECK(told(bucket, "WM(20:60)") == 46);  // 20, 20, 30, 40, 50 and five times 60
  CHECK(told(bucket, "TC(200:)") == 0);
  CHECK(told(bucket, "PR(1000:)") == 0);
  CHECK(told(bucket, "TS(1000:)") == 0);
  CHECK_FALSE(told(bucket, "TM(1000:)"));  // the mean of nothing
}

TEST_CASE("values that were counted together weigh, and are parted where a share ends among them") {
  auto bucket = Bucket::of(1, 6);
  bucket.merge(Bucket::of(11, 4));
  CHECK(told(bucket, "tm80") == (6 * 1 + 2 * 11) / 8.0);
  CHECK(told(bucket, "tc80") == 8);
  CHECK(told(bucket, "TM(50%:)") == (1 + 4 * 11) / 5.0);
  CHECK(told(bucket, "wm50") == 1);
}

TEST_CASE("of values of which only the sum is known no part can be told") {
  const auto sum = Bucket::summed_up(10, 50, 1, 9);
  for (const char* statistic : {"tm90", "IQM", "wm90", "tc90", "ts90", "PR(:5)"}) CHECK_FALSE(told(sum, statistic));
  CHECK(told(Bucket::summed_up(10, 50, 5, 5), "tm90") == 5);
  CHECK(told(Bucket::summed_up(10, 50, 5, 5), "tc90") == 9);
}

TEST_CASE("what is no such statistic is refused") {
  for (const char* text : {"tm",         "tm101",       "tm-1",    "TM()",      "TM(:)",    "TM(90%)", "TM(10%:90)",
                           "TM(10:90%)", "TM(90%:10%)", "TM(5:5)", "TM(:101%)", "TM(a:b)",  "TM(1:2",  "PR(:90%)",
                           "pr90",       "IQM(1:2)",    "xm90",    "TM(nan:)",  "TM(1e3:)", "tm9 0"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_trimmed(text));
    CHECK_FALSE(parse_statistic(text));
  }
  CHECK(parse_trimmed("Tm(0.005:0.030)") == Trimmed{Trimmed::Kind::mean, {false, 0.005, 0.030}});
}

TEST_CASE("of any values a mean by share is wrong by as much as they are rounded, and no more") {
  std::mt19937 random(7);
  std::lognormal_distribution<double> any(3, 2);
  for (int round = 0; round < 20; ++round) {
    std::vector<double> values(400);
    for (auto& value : values) value = any(random);
    const auto bucket = of_all(values);
    std::sort(values.begin(), values.end());
    double exact = 0;
    for (std::size_t i = 40; i < 360; ++i) exact += values[i] / 320;
    const double found = *told(bucket, "TM(10%:90%)");
    CHECK(std::abs(found - exact) <= exact / 256);
    CHECK(told(bucket, "TC(10%:90%)") == 320);
  }
}

TEST_CASE("a bound that is one of the values counts as that value, however it is rounded") {
  for (const double value : {0.1, 0.01, 0.05, 0.3, 1.1, 257.0, 301.0, 999.0}) {
    const auto bucket = of_all({value, value, value});
    CHECK(told(bucket, fmt::format("PR(:{})", value).c_str()) == 100);
    CHECK(told(bucket, fmt::format("TC({}:)", value).c_str()) == 0);
    // And what lies on all of them is not moved by rounding.
    for (const char* mean : {"tm90", "IQM", "wm90"}) CHECK(told(bucket, mean) == value);
  }
  CHECK(told(of_all({301, 301}), "WM(400:)") == 400);
  CHECK(told(of_all({301, 301}), "WM(:100)") == 100);
}
