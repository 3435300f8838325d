#include <fstream>

#include "telemetry/telemetry_fixture.hpp"

using namespace holdfast;
using namespace holdfast::telemetry;

namespace {

std::vector<double> values(const std::string& regex, const std::string& line) {
  std::vector<double> found;
  for (const auto& metric : MetricScanner({{"m", regex}}).scan(line, 1)) found.push_back(metric.value);
  return found;
}
using Values = std::vector<double>;

}  // namespace

TEST_CASE("the first group of the regex is the value, in any usual notation") {
  const std::string regex = "loss=([^;]*);";
  CHECK(values(regex, "epoch 3 loss=0.25; acc=0.9;") == Values{0.25});
  CHECK(values(regex, "loss=1.5e-3;") == Values{0.0015});
  CHECK(values(regex, "loss=-2E+2;") == Values{-200});
  CHECK(values(regex, "loss=+4;") == Values{4});
  CHECK(values(regex, "loss= .5 ;") == Values{0.5});
  CHECK(values("a=([0-9]+) b=([0-9]+)", "a=1 b=2") == Values{1});
}

TEST_CASE("what is no finite number is passed over") {
  const std::string regex = "loss=([^;]*);";
  for (const auto* line : {"loss=nan;", "loss=inf;", "loss=-inf;", "loss=1e999;", "loss=;", "loss= ;", "loss=0.5x;",
                           "loss=0x10;", "loss=+-1;", "loss=1,5;", "no such thing"}) {
    CAPTURE(line);
    CHECK(values(regex, line).empty());
  }
  CHECK(values("(a)?loss", "loss").empty());
}

TEST_CASE("a regex that cannot be used finds nothing") {
  CHECK(values("(", "1").empty());
  CHECK(values("[0-9]+", "1").empty());
}

TEST_CASE("the last value of each metric is kept, in the order of names") {
  Fixture logs;
  logs.metrics = {{"validation:loss", "val_loss: ([0-9.eE+-]+)"}, {"acc", "acc: ([0-9.]+)%"}, {"never", "x=(.*)"}};
  REQUIRE(logs.append(1, 0, {"val_loss: 0.9", "acc: 50%", "val_loss: 8e-1"}));
  REQUIRE(logs.append(1, 1, {"nothing here"}));
  auto last = logs.telemetry->last_metrics(JobName{"job"});
  REQUIRE(last.size() == 2);
  CHECK(last[0].name == "acc");
  CHECK(last[0].value == 50);
  CHECK(last[0].timestamp_ms == 1000);
  CHECK(last[1].name == "validation:loss");
  CHECK(last[1].value == 0.8);

  logs.restart();
  last = logs.telemetry->last_metrics(JobName{"job"});
  REQUIRE(last.size() == 2);
  CHECK(last[1].value == 0.8);
  REQUIRE(logs.append(2, 0, {"val_loss: 0.7"}));
  CHECK(logs.telemetry->last_metrics(JobName{"job"})[1].value == 0.7);
  CHECK(logs.telemetry->last_metrics(JobName{"job"})[0].value == 50);
}

TEST_CASE("metrics that were lost between a batch and a crash come back with the repeated batch") {
  Fixture logs;
  logs.metrics = {{"loss", "loss=(.*)"}};
  REQUIRE(logs.append(1, 0, {"loss=1"}));
  fs::remove(logs.root / "logs/job/metrics.json");
  logs.restart();
  CHECK(logs.telemetry->last_metrics(JobName{"job"}).empty());
  REQUIRE(logs.append(1, 0, {"loss=1"}));
  CHECK(logs.telemetry->last_metrics(JobName{"job"}).size() == 1);
  CHECK(logs.messages().size() == 1);
}

TEST_CASE("a batch older than the last one does not turn metrics back") {
  Fixture logs;
  logs.metrics = {{"loss", "loss=(.*)"}};
  REQUIRE(logs.append(1, 0, {"loss=1"}));
  REQUIRE(logs.append(1, 1, {"loss=2"}));
  REQUIRE(logs.append(1, 0, {"loss=1"}));
  CHECK(logs.telemetry->last_metrics(JobName{"job"})[0].value == 2);
}

TEST_CASE("a job without metrics, or without a sensible name, has none") {
  Fixture logs;
  CHECK(logs.telemetry->last_metrics(JobName{"job"}).empty());
  CHECK(logs.telemetry->last_metrics(JobName{"../job"}).empty());
  fs::create_directories(logs.root / "logs/job");
  std::ofstream(logs.root / "logs/job/metrics.json") << "{\"loss\": 3}";
  logs.restart();
  CHECK(logs.telemetry->last_metrics(JobName{"job"}).empty());
}

TEST_CASE("of a removed job nothing is left, and another of its name begins anew") {
  Fixture logs;
  logs.metrics = {{"loss", "loss=(.*)"}};
  REQUIRE(logs.append(7, 3, {"loss=1"}));
  REQUIRE(logs.telemetry->remove(JobName{"job"}));
  CHECK(logs.store->stream_names(std::string(ports::kTrainingLogGroup), "job/")->empty());
  CHECK(logs.telemetry->last_metrics(JobName{"job"}).empty());
  CHECK_FALSE(fs::exists(logs.root / "logs/job"));
  // Not with the compiled metrics of the job before.
  logs.metrics = {{"gain", "gain=(.*)"}};
  REQUIRE(logs.append(8, 0, {"gain=2"}));
  CHECK(logs.messages() == std::vector<std::string>{"gain=2"});
  CHECK(logs.telemetry->last_metrics(JobName{"job"})[0].name == "gain");
  REQUIRE(logs.telemetry->remove(JobName{"never-there"}));
  CHECK(logs.telemetry->remove(JobName{"../job"}).error().kind == Kind::invalid);
}
