// Searching many streams: whatever the size of its pages, a search finds each wanted event once, in the order of time
// but for those that came late.
#include <algorithm>
#include <map>
#include <set>

#include "base/random.hpp"
#include "telemetry/telemetry_fixture.hpp"

using namespace holdfast;
using namespace holdfast::telemetry;

namespace {

struct Searched : Fixture {
  void write(const std::string& stream, const std::vector<ports::LogEvent>& events) {
    REQUIRE(store->append(stream, {Fence{1}, sequence++}, events));
    for (const auto& event : events) all.insert({event.timestamp_ms, stream + ": " + event.message});
  }
  ports::LogSearch search(std::size_t limit = 10'000, std::int64_t start = 0, std::int64_t end = kAlways) {
    const std::string group(ports::kTrainingLogGroup);
    return {group, *store->stream_names(group, ""), limit, start, end, {}, [](std::string_view) { return true; }};
  }
  std::vector<ports::FoundEvent> find(ports::LogSearch asked) {
    std::vector<ports::FoundEvent> found;
    pages = 0;
    do {
      const auto page = store->search(asked);
      REQUIRE_MESSAGE(page, (page ? "" : page.error().message));
      CHECK(page->events.size() <= asked.limit);
      CHECK((!asked.from || !page->next || *page->next > *asked.from));
      CHECK(std::is_sorted(page->events.begin(), page->events.end(), [](const auto& one, const auto& other) {
        return one.event.timestamp_ms < other.event.timestamp_ms;
      }));
      found.insert(found.end(), page->events.begin(), page->events.end());
      asked.from = page->next;
      ++pages;
    } while (asked.from);
    return found;
  }

  std::uint64_t sequence = 0;
  std::multiset<std::pair<std::int64_t, std::string>> all;
  int pages = 0;
};

}  // namespace

TEST_CASE("events of several streams come by their times, those of one time by stream and then as they came") {
  Searched logs;
  logs.write("b/algo-1-1", {{10, 0, "b1"}, {20, 0, "b2"}, {30, 0, "b3"}});
  logs.write("a/algo-1-1", {{10, 0, "a1"}, {20, 0, "a2"}, {20, 0, "a3"}, {40, 0, "a4"}});
  for (const std::size_t limit : {1U, 2U, 3U, 100U}) {
    std::string order;
    for (const auto& found : logs.find(logs.search(limit))) order += found.event.message + " ";
    CHECK(order == "a1 b1 a2 a3 b2 b3 a4 ");
  }
  CHECK(logs.find(logs.search(10, 20, 40)).size() == 4);
  CHECK(logs.find(logs.search(10, 41)).empty());
}

TEST_CASE("a late event is found where it came, and a page shows it by its time") {
  Searched logs;
  logs.write("a/algo-1-1", {{10, 0, "one"}, {30, 0, "two"}, {5, 0, "late"}, {40, 0, "three"}});
  std::string order;
  for (const auto& found : logs.find(logs.search(1))) order += found.event.message + " ";
  CHECK(order == "one two late three ");
  order.clear();
  for (const auto& found : logs.find(logs.search(10))) order += found.event.message + " ";
  CHECK(order == "late one two three ");
  CHECK(logs.find(logs.search(10, 0, 6)).front().event.message == "late");
}

TEST_CASE("what comes while somebody goes through the pages is found too, if it is not late") {
  Searched logs;
  logs.write("a/algo-1-1", {{10, 0, "a1"}, {20, 0, "a2"}});
  logs.write("b/algo-1-1", {{15, 0, "b1"}});
  auto asked = logs.search(2);
  const auto first = logs.store->search(asked);
  REQUIRE(first->next);
  logs.write("b/algo-1-1", {{25, 0, "b2"}});
  asked.from = first->next;
  const auto second = logs.store->search(asked);
  REQUIRE(second->events.size() == 2);
  CHECK(second->events[0].event.message == "a2");
  CHECK(second->events[1].event.message == "b2");
}

TEST_CASE("whatever the streams and the pages, each event is found exactly once") {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    Searched logs;
    SeededRandom dice(seed);
    const auto roll = [&](std::uint64_t most) { return static_cast<std::int64_t>(dice.next() % most); };
    std::map<std::string, std::int64_t> clocks;
    for (int batch = 0; batch < 60; ++batch) {
      const auto stream = fmt::format("job-{}/algo-1-1", roll(5));
      auto& now = clocks[stream];
      std::vector<ports::LogEvent> events;
      for (int i = 0; i < 10; ++i) {
        now += roll(4);
        std::int64_t at = now;
        if (roll(8) == 0) at = std::max<std::int64_t>(0, now - roll(100));
        if (roll(100) == 0) at = now + 200;
        events.push_back(
            {at, 0, fmt::format("{}{} {}", batch, i, std::string(static_cast<std::size_t>(roll(8000)), 'x'))});
      }
      logs.write(stream, events);
    }
    for (int i = 0; i < 6; ++i) {
      const auto start = i == 0 ? 0 : roll(200);
      const auto end = i == 0 ? kAlways : start + roll(200);
      const auto limit = static_cast<std::size_t>(1 + roll(40));
      std::multiset<std::pair<std::int64_t, std::string>> found, wanted;
      std::set<std::pair<std::string, std::uint64_t>> places;
      for (const auto& event : logs.find(logs.search(limit, start, end))) {
        found.insert({event.event.timestamp_ms, event.stream + ": " + event.event.message});
        places.insert({event.stream, event.position});
      }
      std::copy_if(logs.all.begin(), logs.all.end(), std::inserter(wanted, wanted.end()),
                   [&](const auto& event) { return event.first >= start && event.first < end; });
      CHECK(found == wanted);
      CHECK(places.size() == found.size());
    }
  }
}

TEST_CASE("a search that finds nothing gives up its page and goes on with the next") {
  Searched logs;
  std::vector<ports::LogEvent> events(100, {1000, 0, std::string(100'000, 'x')});
  for (int batch = 0; batch < 5; ++batch) logs.write(fmt::format("job-{}/algo-1-1", batch % 2), events);
  auto asked = logs.search();
  asked.wanted = [](std::string_view message) { return message == "never"; };
  CHECK(logs.find(asked).empty());
  CHECK(logs.pages == 2);
  asked.wanted = [](std::string_view) { return true; };
  CHECK(logs.find(asked).size() == 500);
}

TEST_CASE("more streams than may be open are searched, and those that vanish are passed over") {
  Searched logs;
  for (int job = 0; job < 150; ++job) {
    logs.write(fmt::format("job-{}/algo-1-1", job), {{job, 0, "first"}, {1000 + job, 0, "back\\slash\nand feed"}});
  }
  auto asked = logs.search(40);
  CHECK(logs.find(asked).size() == 300);
  CHECK(logs.find(asked).back().event.message == "back\\slash\nand feed");
  REQUIRE(logs.store->delete_stream(std::string(ports::kTrainingLogGroup), "job-7/algo-1-1"));
  CHECK(logs.find(asked).size() == 298);
}
