// What is found in the logs goes into the metric store, each value once, whatever is lost or repeated.
#include <map>

#include "telemetry/telemetry_fixture.hpp"

using namespace holdfast;
using namespace holdfast::telemetry;

namespace {

// Refuses marks that it knows, as the real one; and everything, when told to.
class Metrics final : public ports::MetricStore {
 public:
  Result<void> put(const std::vector<ports::Measurement>& measurements,
                   const std::optional<ports::PutMark>& mark) override {
    if (broken) return fail(Kind::permanent, "metrics: the database is malformed");
    if (full) return fail(Kind::no_space, "metrics: the disk is full");
    REQUIRE(mark);
    auto& newest = marks[mark->source];
    if (std::pair(mark->fence.value, mark->sequence + 1) <= newest) return {};
    newest = {mark->fence.value, mark->sequence + 1};
    all.insert(all.end(), measurements.begin(), measurements.end());
    return {};
  }
  Result<std::vector<ports::UnitPoints>> read(const ports::Metric&, const std::string&, std::size_t, Instant,
                                              Instant) override {
    return fail(Kind::permanent, "not asked here");
  }
  Result<ports::MetricPage> list(const ports::MetricQuestion&) override {
    return fail(Kind::permanent, "not asked here");
  }

  bool full = false;
  bool broken = false;
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> marks;
  std::vector<ports::Measurement> all;
};

struct World : Fixture {
  World() {
    metrics = {{"loss", "loss=(.*)"}};
    reopen();
  }
  void reopen() {
    telemetry.reset();
    store.reset();
    store = std::move(*FileLogs::open(root / "logs", clock));
    telemetry = std::move(*FileTelemetry::open(root / "logs", clock, *store, &kept));
  }
  std::vector<double> values() {
    std::vector<double> found;
    for (const auto& measured : kept.all) found.push_back(measured.values.sum);
    return found;
  }
  Metrics kept;
};

}  // namespace

TEST_CASE("each value of each line, by the second, under the job's name") {
  World logs;
  REQUIRE(logs.append(1, 0, {"loss=1", "nothing", "loss=2"}));
  REQUIRE(logs.append(1, 1, {"loss=2"}));
  CHECK(logs.values() == std::vector<double>{1, 2, 2});
  const auto& first = logs.kept.all[0];
  CHECK(first.metric == ports::Metric{"/aws/sagemaker/TrainingJobs", "loss", {{"TrainingJobName", "job"}}});
  CHECK(first.by_the_second);
  CHECK(first.at == from_ms(1000));
  CHECK(first.values.samples == 1);
}

TEST_CASE("a repeated batch adds nothing") {
  World logs;
  REQUIRE(logs.append(1, 0, {"loss=1"}));
  REQUIRE(logs.append(1, 0, {"loss=1"}));
  logs.reopen();
  REQUIRE(logs.append(1, 0, {"loss=1"}));
  CHECK(logs.values() == std::vector<double>{1});
}

TEST_CASE("a batch whose values could not be kept is not taken, and is complete once it is repeated") {
  World logs;
  logs.kept.full = true;
  CHECK(!logs.append(1, 0, {"loss=1"}));
  logs.kept.full = false;
  logs.reopen();
  REQUIRE(logs.append(1, 0, {"loss=1"}));
  CHECK(logs.values() == std::vector<double>{1});
  CHECK(logs.messages().size() == 1);
}

TEST_CASE("a metric store that is broken for good holds up no log") {
  World logs;
  logs.kept.broken = true;
  CHECK(logs.append(1, 0, {"loss=1"}));
  CHECK(logs.messages().size() == 1);
  CHECK(logs.telemetry->last_metrics(JobName{"job"}).size() == 1);
}
