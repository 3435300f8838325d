// A FileTelemetry in a directory of its own, and a service that can end and begin again.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "telemetry/file_telemetry.hpp"

namespace holdfast::telemetry {

namespace fs = std::filesystem;
constexpr std::int64_t kAlways = std::numeric_limits<std::int64_t>::max();

class TestClock final : public Clock {
 public:
  Instant now() override { return at; }
  Instant at = from_ms(1'800'000'000'000);
};

class Fixture {
 public:
  Fixture() {
    std::string name = (fs::temp_directory_path() / "holdfast-telemetry-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root = name;
    restart();
  }
  ~Fixture() { fs::remove_all(root); }

  void restart() {
    stop();
    store = std::move(*FileLogs::open(root / "logs", clock));
    telemetry = std::move(*FileTelemetry::open(root / "logs", clock, *store));
  }
  void stop() {
    telemetry.reset();
    store.reset();
  }
  Result<void> append(std::uint64_t fence, std::uint64_t sequence, const std::vector<std::string>& messages,
                      const std::string& stream = "job/algo-1-1") {
    std::vector<ports::LogEvent> lines;
    for (const auto& message : messages) lines.push_back({1000, 0, message});
    return telemetry->append(JobName{"job"}, Fence{fence}, sequence, stream, metrics, lines);
  }
  static ports::LogQuery query(const std::string& stream, std::uint64_t from = 0, std::size_t limit = 10'000,
                               std::int64_t start_ms = 0, std::int64_t end_ms = kAlways) {
    return {std::string(ports::kTrainingLogGroup), stream, from, false, limit, start_ms, end_ms};
  }
  ports::LogPage read(std::uint64_t from = 0, std::size_t limit = 10'000) {
    const auto page = store->read(query("job/algo-1-1", from, limit));
    REQUIRE_MESSAGE(page, (page ? "" : page.error().message));
    return *page;
  }
  std::vector<std::string> streams(const std::string& prefix) {
    return *store->stream_names(std::string(ports::kTrainingLogGroup), prefix);
  }
  std::vector<std::string> messages() {
    std::vector<std::string> all;
    for (std::uint64_t from = 0;;) {
      const auto page = read(from);
      for (const auto& event : page.events) all.emplace_back(event.message);
      if (page.next == from) return all;
      from = page.next;
    }
  }
  fs::path file() const { return root / "logs/job/algo-1-1.log"; }

  fs::path root;
  TestClock clock;
  std::vector<job::MetricDefinition> metrics;
  std::unique_ptr<FileLogs> store;
  std::unique_ptr<FileTelemetry> telemetry;
};

}  // namespace holdfast::telemetry
