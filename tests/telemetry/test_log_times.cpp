// Times in a log, found through its index: whatever order they came in, whatever became of the index, what is found is
// what looking at every line would find.
#include <algorithm>
#include <fstream>

#include "base/random.hpp"
#include "telemetry/telemetry_fixture.hpp"

using namespace holdfast;
using namespace holdfast::telemetry;

namespace {

constexpr const char* kStream = "job/algo-1-1";
using Messages = std::vector<std::string>;

// Lines of some kilobytes, most of them in order, some late, now and then one far ahead of its time.
struct Written : Fixture {
  explicit Written(std::uint64_t seed, int batches = 12) : dice(seed) {
    for (int batch = 0; batch < batches; ++batch) write(20);
  }
  std::int64_t roll(std::int64_t most) {
    return static_cast<std::int64_t>(dice.next() % static_cast<std::uint64_t>(most));
  }
  void write(int count) {
    std::vector<ports::LogEvent> lines;
    for (int i = 0; i < count; ++i) {
      now += roll(3);
      std::int64_t at = now;
      if (roll(10) == 0) at = std::max<std::int64_t>(0, now - roll(200));
      if (roll(150) == 0) at = now + 100;
      lines.push_back(
          {at, 0, fmt::format("{} {}", all.size(), std::string(static_cast<std::size_t>(roll(9000)), 'x'))});
      all.push_back(lines.back());
    }
    REQUIRE(telemetry->append(JobName{"job"}, Fence{1}, sequence++, kStream, {}, lines));
  }
  Messages expected(std::int64_t start, std::int64_t end) const {
    Messages wanted;
    for (const auto& event : all)
      if (event.timestamp_ms >= start && event.timestamp_ms < end) wanted.emplace_back(event.message);
    return wanted;
  }
  Messages read_all(ports::LogQuery asked) {
    Messages found;
    for (;;) {
      const auto page = store->read(asked);
      REQUIRE_MESSAGE(page, (page ? "" : page.error().message));
      CHECK(page->events.size() <= asked.limit);
      Messages messages;
      for (const auto& event : page->events) messages.emplace_back(event.message);
      found.insert(asked.backward ? found.begin() : found.end(), messages.begin(), messages.end());
      const auto position = asked.backward ? page->first : page->next;
      if (position == asked.position || (asked.position == ports::kEndOfLog && messages.empty())) return found;
      asked.position = position;
    }
  }
  void check(std::size_t limit, std::int64_t start, std::int64_t end) {
    CAPTURE(limit);
    CAPTURE(start);
    CAPTURE(end);
    auto asked = query(kStream, 0, limit, start, end);
    CHECK(read_all(asked) == expected(start, end));
    asked.backward = true;
    asked.position = ports::kEndOfLog;
    CHECK(read_all(asked) == expected(start, end));
  }
  void check_some(int times) {
    for (int i = 0; i < times; ++i) {
      const auto start = roll(now + 50);
      check(static_cast<std::size_t>(1 + roll(60)), start, start + roll(80));
    }
    check(10'000, 0, kAlways);
    check(7, 0, kAlways);
  }
  fs::path index() const { return root / "logs/job/algo-1-1.idx"; }

  SeededRandom dice;
  std::int64_t now = 1000;
  std::uint64_t sequence = 0;
  std::vector<ports::LogEvent> all;
};

}  // namespace

TEST_CASE("times are found forward and backward, in and out of order") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    CAPTURE(seed);
    Written logs(seed);
    REQUIRE(fs::file_size(logs.index()) > 48 * 5);
    logs.check_some(25);
    logs.restart();
    logs.check_some(10);
    logs.write(30);
    logs.check_some(10);
  }
}

TEST_CASE("an index that is gone, cut, damaged or another log's is made again") {
  Written logs(7);
  const auto whole = *read_file(logs.index(), 1 << 20);
  const auto begin_again = [&](const std::string& bytes) {
    logs.stop();
    std::ofstream(logs.index(), std::ios::binary | std::ios::trunc) << bytes;
    logs.restart();
    logs.check_some(3);
    CHECK(*read_file(logs.index(), 1 << 20) == whole);
  };
  for (std::size_t size = 1; size < whole.size(); size += 61) begin_again(whole.substr(0, size));
  for (std::size_t at = 0; at < whole.size(); at += 53) {
    auto damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    logs.stop();
    std::ofstream(logs.index(), std::ios::binary | std::ios::trunc) << damaged;
    logs.restart();
    logs.check(9, 1100, 1180);
    if (at >= 48) CHECK(*read_file(logs.index(), 1 << 20) == whole);
  }
  begin_again(whole + std::string(200, '\0'));
  begin_again(whole + whole.substr(48));
  Written other(8);
  logs.stop();
  std::ofstream(logs.index(), std::ios::binary | std::ios::trunc) << *read_file(other.index(), 1 << 20);
  logs.restart();
  logs.check(10'000, 0, kAlways);
}

TEST_CASE("a log whose index cannot be written is read all the same") {
  Written logs(9, 3);
  logs.stop();
  fs::remove(logs.index());
  fs::create_directories(logs.index() / "in the way");
  logs.restart();
  logs.write(60);
  logs.check_some(10);
}

TEST_CASE("a stream tells its first, its last and its newest, before a restart and after") {
  Written logs(10);
  std::int64_t first = kAlways;
  std::int64_t last = 0;
  for (const auto& event : logs.all) {
    first = std::min(first, event.timestamp_ms);
    last = std::max(last, event.timestamp_ms);
  }
  for (int i = 0; i < 2; ++i) {
    const auto facts = logs.store->facts(std::string(ports::kTrainingLogGroup), kStream);
    REQUIRE(facts);
    CHECK(facts->first_event_ms == first);
    CHECK(facts->last_event_ms == last);
    CHECK(facts->last_ingestion_ms == 1'800'000'000'000);
    CHECK(facts->created_ms == 1'800'000'000'000);
    logs.clock.at += hours{1};
    logs.restart();
  }
}

TEST_CASE("a log of before there was an index is as old as its first line") {
  Fixture logs;
  fs::create_directories(logs.file().parent_path());
  std::ofstream(logs.file()) << "E 5 7 first\nE 9 8 second\nB 1 0\n";
  const auto facts = logs.store->facts(std::string(ports::kTrainingLogGroup), kStream);
  REQUIRE(facts);
  CHECK(facts->created_ms == 7);
  CHECK(facts->first_event_ms == 5);
  CHECK(facts->last_ingestion_ms == 8);
}
