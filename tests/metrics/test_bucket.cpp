#include "metrics/bucket.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.hpp"

using namespace holdfast;
using namespace holdfast::metrics;

namespace {

Bucket of_all(const std::vector<double>& values) {
  Bucket bucket;
  for (const double value : values) bucket.merge(Bucket::of(value));
  return bucket;
}
double value(const Bucket& bucket, const char* statistic) {
  const auto found = value_of(bucket, *parse_statistic(statistic));
  REQUIRE(found);
  return *found;
}
// The naive model: the smallest value that at least so many do not exceed.
double naive_percentile(std::vector<double> values, double percent) {
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(std::ceil(percent * static_cast<double>(values.size()) / 100.0));
  return values[std::max<std::size_t>(rank, 1) - 1];
}

}  // namespace

TEST_CASE("the five statistics of a handful of values") {
  const auto bucket = of_all({3, -1, 4, 1, 5});
  CHECK(value(bucket, "SampleCount") == 5);
  CHECK(value(bucket, "Sum") == 12);
  CHECK(value(bucket, "Average") == 2.4);
  CHECK(value(bucket, "Minimum") == -1);
  CHECK(value(bucket, "Maximum") == 5);
  CHECK(value(bucket, "p50") == 3);
  CHECK(value(bucket, "p0") == -1);
  CHECK(value(bucket, "p100") == 5);
  CHECK(value(bucket, "p20.5") == 1);
}

TEST_CASE("nothing is known of no values") {
  CHECK(!value_of(Bucket{}, *parse_statistic("Average")));
  CHECK(!value_of(Bucket{}, *parse_statistic("p50")));
}

TEST_CASE("what is no statistic is refused") {
  for (const char* text : {"", "p", "p101", "p-1", "pNaN", "p1e1", "average", "p50 ", "p5x"}) {
    CAPTURE(text);
    CHECK(!parse_statistic(text));
  }
  CHECK(parse_statistic("p99.9")->percent == 99.9);
}

TEST_CASE("a sum of other people's has no percentiles, unless all its values are one") {
  const auto sum = Bucket::summed_up(10, 50, 1, 9);
  CHECK(value(sum, "Average") == 5);
  CHECK(!value_of(sum, *parse_statistic("p50")));
  auto mixed = Bucket::of(3);
  mixed.merge(sum);
  CHECK(!value_of(mixed, *parse_statistic("p50")));
  CHECK(value(Bucket::summed_up(10, 50, 5, 5), "p50") == 5);
}

TEST_CASE("a share of the values that is a whole number stays one") {
  std::vector<double> values;
  for (int i = 1; i <= 100; ++i) values.push_back(i);
  for (int percent = 1; percent <= 100; ++percent)
    CHECK(value(of_all(values), fmt::format("p{}", percent).c_str()) == percent);
}

TEST_CASE("counts weigh") {
  auto bucket = Bucket::of(1, 3);
  bucket.merge(Bucket::of(10, 1));
  CHECK(value(bucket, "SampleCount") == 4);
  CHECK(value(bucket, "Sum") == 13);
  CHECK(value(bucket, "p75") == 1);
  CHECK(value(bucket, "p76") == 10);
}

TEST_CASE("whole numbers up to 256 come back as they are, whatever their sign") {
  for (int i = -256; i <= 256; ++i) {
    auto bucket = Bucket::of(i);
    bucket.merge(Bucket::of(1000));
    bucket.merge(Bucket::of(-1000));
    CHECK(value(bucket, "p50") == i);
  }
}

TEST_CASE("random values: merged in any parts and stored in between, the statistics are those of the naive model") {
  SeededRandom random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> values;
    Bucket whole;
    const std::size_t parts = 1 + random.next() % 5;
    const double scale = std::ldexp(1.0, static_cast<int>(random.next() % 100) - 50);
    for (std::size_t part = 0; part < parts; ++part) {
      Bucket one;
      for (std::size_t i = random.next() % 40; i > 0; --i) {
        const double some = (static_cast<double>(random.next() % 20001) - 10000.0) * scale;
        values.push_back(some);
        one.merge(Bucket::of(some));
      }
      const auto stored = Distribution::decode(one.distribution.encode());
      REQUIRE(stored);
      one.distribution = *stored;
      whole.merge(one);
    }
    if (values.empty()) continue;
    double sum = 0;
    for (const double some : values) sum += some;
    CHECK(value(whole, "SampleCount") == static_cast<double>(values.size()));
    CHECK(value(whole, "Sum") == doctest::Approx(sum).epsilon(1e-9));
    CHECK(value(whole, "Minimum") == *std::min_element(values.begin(), values.end()));
    CHECK(value(whole, "Maximum") == *std::max_element(values.begin(), values.end()));
    for (const double percent : {0.0, 1.0, 25.0, 50.0, 90.0, 99.9, 100.0}) {
      const double expected = naive_percentile(values, percent);
      const double found = *value_of(whole, {Statistic::Kind::percentile, percent});
      CAPTURE(percent);
      CHECK(std::abs(found - expected) <= std::abs(expected) / 256.0);
    }
  }
}

TEST_CASE("a distribution stays small however its values are spread, and its order stays right") {
  SeededRandom random(3);
  Distribution distribution;
  for (int i = 0; i < 20'000; ++i) {
    const double size = std::ldexp(1.0 + static_cast<double>(random.next() % 1000) / 1000.0,
                                   static_cast<int>(random.next() % 700) - 350);
    distribution.add(random.next() % 2 == 0 ? size : -size, 1);
  }
  CHECK(distribution.keys() <= kMaxKeys);
  double before = -INFINITY;
  for (int percent = 0; percent <= 100; ++percent) {
    const double now = *distribution.percentile(percent);
    CHECK(now >= before);
    before = now;
  }
  const auto stored = Distribution::decode(distribution.encode());
  REQUIRE(stored);
  CHECK(stored->encode() == distribution.encode());
}

TEST_CASE("bytes that are no distribution are told apart") {
  CHECK(!Distribution::decode(""));
  CHECK(!Distribution::decode(std::string("\x7f", 1)));
  CHECK(!Distribution::decode(std::string("\x00\x80", 2)));
  CHECK(!Distribution::decode(std::string("\x00\x02", 2)));
  CHECK(!Distribution::decode(std::string("\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x01", 11)));
}
