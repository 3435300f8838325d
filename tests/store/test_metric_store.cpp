#include "store/metric_store.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <tuple>

#include "support/manual_clock.hpp"

using namespace holdfast;
using holdfast::testing::ManualClock;

namespace {

namespace fs = std::filesystem;

const ports::Metric kLoss{"/aws/sagemaker/TrainingJobs", "loss", {{"TrainingJobName", "a"}}};

struct World {
  World() {
    std::string name = (fs::temp_directory_path() / "holdfast-metrics-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    directory = name;
    open();
  }
  ~World() { fs::remove_all(directory); }
  void open(store::MetricLimits limits = {}) {
    store.reset();
    auto opened = store::open_metric_store((directory / "metrics.db").string(), clock, limits);
    REQUIRE(opened);
    store = std::move(*opened);
  }

  void put(const ports::Metric& metric, Instant at, double value, bool by_the_second = true,
           const std::string& unit = "None", std::optional<ports::PutMark> mark = {}) {
    REQUIRE(store->put({{metric, unit, at, metrics::Bucket::of(value), by_the_second}}, mark));
  }
  // "at:samples/sum" of each point, at in seconds before now.
  std::string points(const ports::Metric& metric, std::size_t tier, const std::string& unit = "") {
    const auto read = store->read(metric, unit, tier, Instant{}, clock.now() + hours{48});
    REQUIRE(read);
    std::string text;
    for (const auto& [its_unit, found] : *read)
      for (const auto& point : found)
        text += fmt::format("{}:{}/{} ", (clock.now() - point.at) / seconds{1}, point.bucket.samples, point.bucket.sum);
    return text;
  }
  std::vector<std::string> names(ports::MetricQuestion question = {}) {
    const auto page = store->list(question);
    REQUIRE(page);
    std::vector<std::string> found;
    for (const auto& metric : page->metrics) found.push_back(metric.name);
    return found;
  }

  fs::path directory;
  ManualClock clock;
  std::unique_ptr<ports::MetricStore> store;
};

}  // namespace

TEST_CASE("a value is there for its second, minute, five minutes and hour") {
  World world;
  const Instant hour = metrics::floor_to(world.clock.now(), hours{1});
  world.clock.advance(hour + hours{1} - world.clock.now());
  world.put(kLoss, world.clock.now() - seconds{30}, 1);
  world.put(kLoss, world.clock.now() - seconds{29}, 2);
  world.put(kLoss, world.clock.now() - seconds{90}, 4);
  for (int i = 0; i < 2; ++i) {
    CHECK(world.points(kLoss, 0) == "90:1/4 30:1/1 29:1/2 ");
    CHECK(world.points(kLoss, 1) == "120:1/4 60:2/3 ");
    CHECK(world.points(kLoss, 2) == "300:3/7 ");
    CHECK(world.points(kLoss, 3) == "3600:3/7 ");
    world.open();  // as the next process finds it
  }
}

TEST_CASE("a value by the minute lies at the minute's beginning") {
  World world;
  world.clock.advance(metrics::floor_to(world.clock.now(), hours{1}) + hours{1} - world.clock.now());
  world.put(kLoss, world.clock.now() - seconds{30}, 1, false);
  CHECK(world.points(kLoss, 0) == "60:1/1 ");
}

TEST_CASE("percentiles survive the store") {
  World world;
  std::vector<ports::Measurement> all;
  for (int i = 1; i <= 100; ++i) all.push_back({kLoss, "None", world.clock.now(), metrics::Bucket::of(i), true});
  REQUIRE(world.store->put(all, {}));
  REQUIRE(world.store->put({{kLoss, "None", world.clock.now(), metrics::Bucket::of(7, 3), true}}, {}));
  world.open();
  const auto read = world.store->read(kLoss, "", 3, Instant{}, world.clock.now() + hours{1});
  REQUIRE(read);
  const auto& bucket = read->at(0).points.at(0).bucket;
  CHECK(bucket.samples == 103);
  CHECK(bucket.sum == 5071);
  CHECK(metrics::value_of(bucket, *metrics::parse_statistic("p50")) == 49);
}

TEST_CASE("units, dimensions and namespaces are kept apart") {
  World world;
  const Instant now = world.clock.now();
  world.put(kLoss, now, 1, true, "None");
  world.put(kLoss, now, 2, true, "Percent");
  world.put({kLoss.space, "loss", {}}, now, 4);
  world.put({"mine", "loss", kLoss.dimensions}, now, 8);
  CHECK(world.points(kLoss, 0, "Percent") == "0:1/2 ");
  CHECK(world.points(kLoss, 0) == "0:1/1 0:1/2 ");
  CHECK(world.points(kLoss, 0, "Count").empty());
  CHECK(world.points({kLoss.space, "other", {}}, 0).empty());
}

TEST_CASE("a put with a mark counts once, in this process and the next") {
  World world;
  const auto put = [&](std::uint64_t fence, std::uint64_t sequence) {
    world.put(kLoss, world.clock.now(), 1, true, "None", ports::PutMark{"log/a", Fence{fence}, sequence});
  };
  put(1, 0);
  put(1, 0);
  put(1, 1);
  world.open();
  put(1, 1);
  put(1, 0);
  put(2, 0);
  put(1, 5);
  CHECK(world.points(kLoss, 0) == "0:3/3 ");
}

TEST_CASE("what is too old is no longer told, and goes") {
  World world;
  const Instant then = world.clock.now();
  world.put(kLoss, then, 1);
  struct Row {
    Duration later;
    std::array<bool, 4> there;
  };
  for (const auto& [later, there] :
       {Row{hours{2}, {true, true, true, true}}, Row{hours{4}, {false, true, true, true}},
        Row{hours{24 * 16}, {false, false, true, true}}, Row{hours{24 * 64}, {false, false, false, true}},
        Row{hours{24 * 456}, {false, false, false, false}}}) {
    CAPTURE(later.count());
    world.clock.advance(then + later - world.clock.now());
    for (std::size_t tier = 0; tier < there.size(); ++tier) CHECK(!world.points(kLoss, tier).empty() == there[tier]);
  }
  CHECK(world.names() == std::vector<std::string>{"loss"});
  // Each put looks through a few: that is how the old ones go.
  world.put({"mine", "new", {}}, world.clock.now(), 1);
  CHECK(world.names() == std::vector<std::string>{"new"});
  world.put(kLoss, then, 1);
  world.put(kLoss, world.clock.now() + hours{25}, 1);
  CHECK(world.names() == std::vector<std::string>{"new"});
}

TEST_CASE("metrics are listed by name and dimensions, page by page") {
  World world;
  const Instant now = world.clock.now();
  for (const char* job : {"a", "b\"x", "ab"})
    for (const char* name : {"loss", "acc"})
      world.put({kLoss.space, name, {{"Host", "h"}, {"TrainingJobName", job}}}, now, 1);
  world.put({"mine", "loss", {}}, now, 1);
  world.put({"mine", "loss", {}}, now, 1, true, "Count");
  CHECK(world.names().size() == 7);
  CHECK(world.names({.name = "loss"}).size() == 4);
  CHECK(world.names({.space = "mine"}).size() == 1);
  CHECK(world.names({.with = {{"TrainingJobName", "a"}}}).size() == 2);
  CHECK(world.names({.with = {{"TrainingJobName", "b\"x"}, {"Host", "h"}}}).size() == 2);
  CHECK(world.names({.with = {{"TrainingJobName", "x"}}}).empty());
  CHECK(world.names({.with_any = {"Host"}}).size() == 6);
  CHECK(world.names({.with_any = {"Hos"}}).empty());
  CHECK(world.names({.active_since = now - minutes{1}}).size() == 7);
  CHECK(world.names({.active_since = now + minutes{1}}).empty());
  std::vector<ports::Metric> all;
  ports::MetricQuestion question;
  question.limit = 2;
  for (;;) {
    const auto page = world.store->list(question);
    REQUIRE(page);
    all.insert(all.end(), page->metrics.begin(), page->metrics.end());
    if (!page->more) break;
    question.after = all.back();
  }
  CHECK(all.size() == 7);
  CHECK(std::is_sorted(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tie(a.space, a.name) < std::tie(b.space, b.name);
  }));
}

TEST_CASE("beyond the limits the series that was silent for longest goes") {
  World world;
  world.open({.series = 3});
  for (int i = 0; i < 6; ++i) {
    world.put({"mine", fmt::format("m{}", i), {}}, world.clock.now(), i);
    world.clock.advance(minutes{1});
    if (i >= 1) world.put({"mine", "m1", {}}, world.clock.now(), 1);
  }
  CHECK(world.names() == std::vector<std::string>{"m1", "m5"});
  CHECK(world.points({"mine", "m0", {}}, 3).empty());

  world.open({.bytes = 1});
  world.clock.advance(hours{1});
  world.put({"mine", "last", {}}, world.clock.now(), 1);
  CHECK(world.names() == std::vector<std::string>{"last"});
}
