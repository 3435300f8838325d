// A program's lines on their way into the log: the control plane dies at every byte and every file operation of what it
// keeps, the disk of either end fails at every write, the spool is full. Each line arrives once, in order.
#include <doctest/doctest.h>
#include <fcntl.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "agent/log_spool.hpp"
#include "agent/reporter.hpp"
#include "crash/recorded_files.hpp"
#include "support/manual_clock.hpp"
#include "support/temp_dir.hpp"
#include "telemetry/file_telemetry.hpp"

using namespace holdfast;
using namespace holdfast::testing;
namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

namespace {

constexpr const char* kStream = "job/algo-1";
constexpr Fence kFence{7};
constexpr int kBatches = 4;
const std::vector<job::MetricDefinition> kMetrics{{"loss", "loss=([0-9.]+)"}};

// A batch is what has gathered since the last one; some of its lines are not easy to keep.
Lines lines_of_batch(int batch) {
  return {fmt::format("batch {} begins", batch), fmt::format("loss={}.5", batch),
          "a\\n\nline that B 7 0\nlooks like the end of a batch", ""};
}

std::unique_ptr<agent::LogSpool> open_spool(const fs::path& path, std::uint64_t most = agent::kMaxSpool) {
  Fd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  REQUIRE(fd);
  return std::make_unique<agent::LogSpool>(std::move(fd), kStream, most);
}

// The telemetry of a control plane that may die and come again.
struct ControlPlane {
  fs::path directory;
  ManualClock clock;
  std::unique_ptr<telemetry::FileLogs> logs;
  std::unique_ptr<telemetry::FileTelemetry> telemetry;

  explicit ControlPlane(fs::path in) : directory(std::move(in)) { start(); }
  void stop() {
    telemetry.reset();
    logs.reset();
  }
  void start() {
    stop();
    auto store = telemetry::FileLogs::open(directory, clock);
    if (!store) return;
    logs = std::move(*store);
    auto opened = telemetry::FileTelemetry::open(directory, clock, *logs);
    if (opened) telemetry = std::move(*opened);
  }
  bool append(const ports::LogBatch& batch) {
    return telemetry && telemetry->append(JobName{"job"}, kFence, batch.sequence, batch.stream, kMetrics, batch.lines);
  }
  Lines lines() {
    Lines all;
    for (std::uint64_t from = 0;;) {
      const auto page = logs->read({std::string(ports::kTrainingLogGroup), kStream, from, false, 1000, 0,
                                    std::numeric_limits<std::int64_t>::max()});
      REQUIRE(page);
      for (const auto& event : page->events) all.emplace_back(event.message);
      if (page->next == from) return all;
      from = page->next;
    }
  }
  fs::path file() const { return directory / (std::string(kStream) + ".log"); }
};

// One program's talk, batch by batch, over a connection that `deliver` is.
Lines talk(agent::LogSpool& spool, const std::function<void(int batch)>& deliver) {
  Lines said;
  for (int batch = 0; batch < kBatches; ++batch) {
    for (const auto& line : lines_of_batch(batch)) {
      spool.append(1000 + batch, line);
      said.push_back(line);
    }
    deliver(batch);
  }
  return said;
}

void check_arrived(ControlPlane& plane, const Lines& said) {
  CHECK(plane.lines() == said);
  const auto metrics = plane.telemetry->last_metrics(JobName{"job"});
  REQUIRE(metrics.size() == 1);
  CHECK(metrics.front().value == kBatches - 0.5);
}

}  // namespace

TEST_CASE("the control plane dies at any byte of a batch that it writes, and each line is kept once, in order") {
  std::size_t deaths = 0;
  for (int dies_in = 0; dies_in < kBatches; ++dies_in) {
    // 0: before the delivery; the whole length: after it, with the acknowledgement lost.
    for (std::uintmax_t written = 0, length = 0; written <= length; ++written, ++deaths) {
      const TempDir dir;
      ControlPlane plane(dir / "logs");
      const auto spool = open_spool(dir / "spool");
      Lines late;
      const auto said = talk(*spool, [&](int batch) {
        auto sent = spool->next();
        REQUIRE(sent);
        if (batch == dies_in) {
          const auto before = fs::exists(plane.file()) ? fs::file_size(plane.file()) : 0;
          REQUIRE(plane.append(*sent));
          length = fs::file_size(plane.file()) - before;
          plane.stop();
          fs::resize_file(plane.file(), before + written);
          plane.start();
          // Nor does it matter what the program says meanwhile.
          const auto again = spool->next();
          REQUIRE(again);
          CHECK(again->sequence == sent->sequence);
          CHECK(again->lines.size() == sent->lines.size());
          sent = again;
        }
        REQUIRE(plane.append(*sent));
        spool->acknowledged();
      });
      CAPTURE(dies_in);
      CAPTURE(written);
      check_arrived(plane, said);
      CHECK(spool->empty());
    }
  }
  MESSAGE("spool: the control plane died at " << deaths << " bytes of " << kBatches << " batches");
}

TEST_CASE("the control plane dies at any operation on its files, or its disk fails there: each line is kept once") {
  for (const bool dies : {true, false}) {
    std::size_t k = 0;
    for (bool happened = true; happened; ++k) {
      const TempDir dir;
      const auto spool = open_spool(dir / "spool");
      fs::create_directory(dir / "control");
      FileRecorder recorder(dir / "control");
      recorder.die_at = dies ? std::optional(k) : std::nullopt;
      recorder.fail_at = k;
      recorder.failures = dies ? 0 : 1;
      happened = false;
      ControlPlane plane(dir / "control/logs");
      const auto said = talk(*spool, [&](int) {
        for (bool heard = false; !heard;) {
          heard = plane.append(*spool->next());
          const bool dead = recorder.is_dead();
          // Whatever it has done, nobody was told.
          if (dead) heard = false;
          happened = happened || !heard || (!dies && recorder.failures == 0);
          recorder.die_at = dead ? std::nullopt : recorder.die_at;
          if (dead || !plane.telemetry) plane.start();
        }
        spool->acknowledged();
      });
      CAPTURE(dies);
      CAPTURE(k);
      check_arrived(plane, said);
    }
    const std::string what = dies ? "control plane died" : "disk of the control plane failed";
    MESSAGE("spool: the " << what << " at " << k - 1 << " operations on the log's files");
  }
}

TEST_CASE("the spool's disk fails at any write: the lines around it arrive, and the missing ones are counted") {
  constexpr const char* kWord = "[holdfast] ";
  std::size_t failures = 0;
  for (std::size_t times = 1; times <= 6; ++times) {
    for (std::size_t k = 1; k <= 4 * kBatches + 1; ++k, ++failures) {
      const TempDir dir;
      FileRecorder recorder(dir.path());  // its first operation creates the file
      const auto spool = open_spool(dir / "spool");
      recorder.fail_at = k;
      recorder.failures = times;
      Lines said, arrived;
      const auto drain = [&] {
        while (const auto batch = spool->next()) {
          for (const auto& line : batch->lines) arrived.push_back(line.message);
          spool->acknowledged();
        }
      };
      for (int i = 0; i < 4 * kBatches; ++i) {
        said.push_back(std::to_string(i));
        spool->append(i, said.back());
      }
      drain();
      recorder.failures = 0;
      said.push_back("later");
      spool->append(100, said.back());
      drain();

      std::size_t counted = 0;
      std::erase_if(arrived, [&](const std::string& line) {
        if (!line.starts_with(kWord)) return false;
        counted += std::stoul(line.substr(std::string_view(kWord).size()));
        return true;
      });
      CAPTURE(k);
      CAPTURE(times);
      CHECK(counted == said.size() - arrived.size());
      CHECK(counted <= times);
      auto expected = said.begin();
      for (const auto& line : arrived) {
        expected = std::find(expected, said.end(), line);
        CHECK_MESSAGE(expected != said.end(), line << " came twice, or too late");
      }
    }
  }
  MESSAGE("spool: its own disk failed at " << failures << " places, once or several times");
}

TEST_CASE("a spool that is full drops the newest lines, and says so once there is room, also when no line follows") {
  for (std::uint64_t most = 0; most < 400; ++most) {
    const TempDir dir;
    const auto spool = open_spool(dir / "spool", most + 200);
    Lines said, arrived;
    for (int i = 0; i < 100; ++i) said.push_back(std::to_string(1000 + i));
    for (const auto& line : said) spool->append(1, line);
    const auto room = static_cast<std::ptrdiff_t>((most + 200) / 16);  // twelve bytes before four
    const bool behind_a_word = spool->more_behind();
    while (const auto batch = spool->next()) {
      for (const auto& line : batch->lines) arrived.push_back(line.message);
      spool->acknowledged();
    }
    CAPTURE(most);
    CHECK(behind_a_word);
    REQUIRE(static_cast<std::ptrdiff_t>(arrived.size()) == room + 1);
    CHECK(arrived.back().starts_with(fmt::format("[holdfast] {} log lines", 100 - room)));
    CHECK(std::equal(arrived.begin(), arrived.end() - 1, said.begin()));
    CHECK(spool->empty());
    CHECK_FALSE(spool->more_behind());
  }
}

namespace {

// Each report first finds nobody, then is kept and its acknowledgement lost, and only then goes through.
class MortalLink final : public ports::ControlLink {
 public:
  explicit MortalLink(fs::path directory) : plane_(std::move(directory)) {}

  Result<void> report(const ports::Report& report) override {
    const int fate = reports++ % 3;
    if (fate == 0) return fail(Kind::try_again, "nobody is there");
    for (const auto& batch : report.logs) {
      if (!plane_.append(batch)) return fail(Kind::try_again, "not kept");
    }
    const bool ends = !report.events.empty() && std::holds_alternative<job::AttemptEnded>(report.events.back());
    if (ends && lines_at_the_end == 0) lines_at_the_end = plane_.lines().size();
    plane_.start();
    if (fate == 1) return fail(Kind::try_again, "it died before it answered");
    for (const auto& event : report.events) events.push_back(event_name(event));
    return {};
  }
  Result<ports::Order> wait_for_order(ports::Order) override { return fail(Kind::try_again, "nobody is there"); }
  Lines lines() { return plane_.lines(); }

  int reports = 0;
  Lines events;
  std::size_t lines_at_the_end = 0;

 private:
  ControlPlane plane_;
};

}  // namespace

TEST_CASE("the reporter brings each line and each word once to a control plane that dies around every report") {
  const TempDir dir;
  MortalLink link(dir / "logs");
  const auto spool = open_spool(dir / "spool");
  Lines said;
  for (std::size_t i = 0; i < agent::kMaxBatchLines + 1; ++i) said.push_back(std::to_string(i));
  for (const auto& line : said) spool->append(1, line);
  agent::ThreadTasks tasks;
  SystemClock clock;
  agent::Reporter reporter(tasks, clock, link, link, *spool, [] {});
  reporter.say(job::AgentStarted{kFence});
  reporter.say(job::AttemptEnded{kFence, job::Outcome::succeeded, ""});
  REQUIRE(reporter.drain(minutes{1}));
  CHECK(link.lines() == said);
  CHECK(link.lines_at_the_end == said.size());
  CHECK(link.events == Lines{"AgentStarted", "AttemptEnded"});
}
