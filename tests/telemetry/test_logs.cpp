#include <fstream>
#include <thread>

#include "telemetry/telemetry_fixture.hpp"

using namespace holdfast;
using namespace holdfast::telemetry;
using Lines = std::vector<std::string>;

TEST_CASE("lines are read as they were written, with their times") {
  Fixture logs;
  const Lines lines{"plain", "", "back\\slash\\n", "two\nlines", "tab\t and return\r", "käse ✓", "E 1 2 x", "B 9 9"};
  REQUIRE(logs.append(1, 0, lines));
  CHECK(logs.messages() == lines);
  const auto page = logs.read();
  CHECK(page.events[0].timestamp_ms == 1000);
  CHECK(page.events[0].ingestion_ms == 1'800'000'000'000);
}

TEST_CASE("pages follow one another without a gap, and the end answers its own position") {
  Fixture logs;
  REQUIRE(logs.append(1, 0, {"a", "b", "c"}));
  REQUIRE(logs.append(1, 1, {"d", "e"}));
  const auto first = logs.read(0, 2), second = logs.read(first.next, 2), third = logs.read(second.next, 2);
  CHECK(first.first == 0);
  CHECK(first.events.size() == 2);
  CHECK(second.first == first.next);
  CHECK(second.events[0].message == "c");
  CHECK(second.events[1].message == "d");
  REQUIRE(third.events.size() == 1);
  CHECK(third.events[0].message == "e");
  const auto last = logs.read(third.next, 2);
  CHECK(last.events.empty());
  CHECK(last.next == third.next);
  CHECK(last.first == third.next);
}

TEST_CASE("who has read to the end reads on when more has come") {
  Fixture logs;
  REQUIRE(logs.append(1, 0, {"a"}));
  const auto end = logs.read().next;
  CHECK(logs.read(end).events.empty());
  REQUIRE(logs.append(1, 1, {"b"}));
  const auto more = logs.read(end);
  REQUIRE(more.events.size() == 1);
  CHECK(more.events[0].message == "b");
}

TEST_CASE("only the times asked for are read") {
  Fixture logs;
  std::vector<ports::LogEvent> lines;
  for (std::int64_t ms = 1; ms <= 5; ++ms) lines.push_back({ms, 0, std::to_string(ms)});
  REQUIRE(logs.telemetry->append(JobName{"job"}, Fence{1}, 0, "job/algo-1-1", {}, lines));
  const auto page = logs.store->read(Fixture::query("job/algo-1-1", 0, 10, 2, 4));
  REQUIRE(page);
  REQUIRE(page->events.size() == 2);
  CHECK(page->events[0].message == "2");
  CHECK(page->events[1].message == "3");
  CHECK(logs.store->read(Fixture::query("job/algo-1-1", page->next, 10, 2, 4))->next == page->next);
}

TEST_CASE("a batch that comes again is not appended twice, before a restart or after") {
  Fixture logs;
  REQUIRE(logs.append(1, 0, {"a"}));
  REQUIRE(logs.append(1, 1, {"b"}));
  REQUIRE(logs.append(1, 1, {"b"}));
  REQUIRE(logs.append(1, 0, {"a"}));
  logs.restart();
  REQUIRE(logs.append(1, 1, {"b"}));
  REQUIRE(logs.append(1, 2, {"c"}));
  CHECK(logs.messages() == Lines{"a", "b", "c"});
}

TEST_CASE("a newer attempt counts its batches from 0, and an older one is refused, on any stream of the job") {
  Fixture logs;
  REQUIRE(logs.append(1, 5, {"a"}));
  REQUIRE(logs.append(2, 0, {"b"}, "job/algo-1-2"));
  CHECK(logs.append(1, 6, {"late"}).error().kind == Kind::conflict);
  logs.restart();
  CHECK(logs.append(1, 6, {"late"}).error().kind == Kind::conflict);
  REQUIRE(logs.append(2, 0, {"b"}, "job/algo-1-2"));
  REQUIRE(logs.append(2, 1, {"c"}));
  CHECK(logs.messages() == Lines{"a", "c"});
}

TEST_CASE("half a batch at the end is cut off, however much of it there is") {
  Fixture logs;
  REQUIRE(logs.append(1, 0, {"a"}));
  const auto good = fs::file_size(logs.file());
  REQUIRE(logs.append(1, 1, {"b", std::string(100'000, 'x'), "B 7 7", "c"}));
  const auto whole = *read_file(logs.file(), 1 << 20);
  for (auto size = good; size < whole.size(); size += size < good + 40 || size + 80 > whole.size() ? 1 : 997) {
    CAPTURE(size);
    logs.stop();
    std::ofstream(logs.file(), std::ios::binary | std::ios::trunc) << whole.substr(0, size);
    logs.restart();
    REQUIRE(logs.messages() == Lines{"a"});
    REQUIRE(fs::file_size(logs.file()) == good);
  }
  REQUIRE(logs.append(1, 1, {"again"}));
  CHECK(logs.messages() == Lines{"a", "again"});
}

TEST_CASE("a file with nothing but half a first batch is an empty stream") {
  Fixture logs;
  fs::create_directories(logs.file().parent_path());
  std::ofstream(logs.file()) << "E 1 1 half\nE 1 1 b";
  CHECK(logs.messages().empty());
  REQUIRE(logs.append(1, 0, {"a"}));
  CHECK(logs.messages() == Lines{"a"});
}

TEST_CASE("a position that is none is refused") {
  Fixture logs;
  REQUIRE(logs.append(1, 0, {"abc"}));
  const auto end = logs.read().next;
  CHECK(logs.store->read(Fixture::query("job/algo-1-1", 3, 1)).error().kind == Kind::invalid);
  CHECK(logs.store->read(Fixture::query("job/algo-1-1", end + 1, 1)).error().kind == Kind::invalid);
}

TEST_CASE("names that are no streams are refused or unknown, and touch no file") {
  Fixture logs;
  for (const auto* stream : {"job", "job/", "job/../x", "job/a/b", "job/.hidden", "other/a", "/job/a", "job/a b"}) {
    CAPTURE(stream);
    CHECK(logs.append(1, 0, {"a"}, stream).error().kind == Kind::invalid);
    CHECK(logs.store->read(Fixture::query(stream, 0, 1)).error().kind == Kind::not_found);
  }
  CHECK(logs.telemetry->append(JobName{".."}, Fence{1}, 0, "../a", {}, {}).error().kind == Kind::invalid);
  CHECK(logs.store->read(Fixture::query("job/never", 0, 1)).error().kind == Kind::not_found);
  CHECK(std::distance(fs::directory_iterator(logs.root / "logs"), {}) == 1);  // where the groups are
}

TEST_CASE("streams are listed by prefix, in the order of their names") {
  Fixture logs;
  REQUIRE(logs.append(1, 0, {"a"}, "job/algo-1-2"));
  REQUIRE(logs.append(1, 1, {"a"}, "job/algo-1-1"));
  REQUIRE(logs.telemetry->append(JobName{"job-b"}, Fence{2}, 0, "job-b/algo-1-1", {}, {}));
  CHECK(logs.streams("job/") == Lines{"job/algo-1-1", "job/algo-1-2"});
  CHECK(logs.streams("job/algo-1-2") == Lines{"job/algo-1-2"});
  CHECK(logs.streams("job") == Lines{"job-b/algo-1-1", "job/algo-1-1", "job/algo-1-2"});
  CHECK(logs.streams("").size() == 3);
  CHECK(logs.streams("nothing").empty());
  CHECK(logs.streams("../").empty());
}

TEST_CASE("what is no UTF-8 is replaced, and a line too long is cut between characters") {
  Fixture logs;
  REQUIRE(
      logs.append(1, 0, {"bad \xff\xc3 end", std::string(kMaxLineBytes - 1, 'x') + "é", std::string(9'000'000, '\\')}));
  const auto messages = logs.messages();
  CHECK(messages[0] == "bad \xEF\xBF\xBD\xEF\xBF\xBD end");
  CHECK(messages[1] == std::string(kMaxLineBytes - 1, 'x'));
  CHECK(messages[2] == std::string(kMaxLineBytes, '\\'));
}

TEST_CASE("a page of one line reaches over lines much longer than it reads at first, in both directions") {
  Fixture logs;
  const Lines lines = {"short", std::string(kMaxLineBytes, '\\'), "", std::string(20'000, 'y'), "end"};
  REQUIRE(logs.append(1, 0, lines));
  std::uint64_t position = 0;
  for (const auto& line : lines) {
    const auto page = logs.read(position, 1);
    REQUIRE(page.events.size() == 1);
    CHECK(page.events[0].message == line);
    position = page.next;
  }
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    auto query = Fixture::query("job/algo-1-1", position, 1);
    query.backward = true;
    const auto page = logs.store->read(query);
    REQUIRE(page);
    REQUIRE(page->events.size() == 1);
    CHECK(page->events[0].message == *line);
    position = page->first;
  }
}

TEST_CASE("a batch beyond the limit is refused and leaves nothing behind") {
  Fixture logs;
  REQUIRE(logs.append(1, 0, {"a"}));
  CHECK(logs.append(1, 1, Lines(kMaxBatchBytes / kMaxLineBytes + 1, std::string(kMaxLineBytes, 'x'))).error().kind ==
        Kind::invalid);
  REQUIRE(logs.append(1, 1, {"b"}));
  CHECK(logs.messages() == Lines{"a", "b"});
}

TEST_CASE("a page holds at most a mebibyte, and a search gives up its page where nothing is found") {
  Fixture logs;
  std::uint64_t sequence = 0;
  for (int batch = 0; batch < 3; ++batch) {
    REQUIRE(logs.append(1, sequence++, Lines(40, std::string(100'000, 'x'))));
  }
  CHECK(logs.read().events.size() == 10);
  CHECK(logs.messages().size() == 120);
}

TEST_CASE("a reader gives up a page where every block might hold something and none does") {
  Fixture logs;
  std::vector<ports::LogEvent> lines;
  for (int i = 0; i < 500; ++i) lines.push_back({i % 2 == 0 ? 1000 : 3000, 0, std::string(10'000, 'x')});
  for (std::uint64_t batch = 0; batch < 3; ++batch) {
    REQUIRE(logs.telemetry->append(JobName{"job"}, Fence{1}, batch, "job/algo-1-1", {}, lines));
  }
  auto query = Fixture::query("job/algo-1-1", 0, 10, 2000, 2500);
  auto page = logs.store->read(query);
  REQUIRE(page);
  CHECK(page->events.empty());
  CHECK(page->next >= kMaxScannedBytes);
  CHECK(page->next < fs::file_size(logs.file()));
  query.backward = true;
  query.position = ports::kEndOfLog;
  page = logs.store->read(query);
  CHECK(page->events.empty());
  CHECK(page->first > 0);
  CHECK(page->first < fs::file_size(logs.file()));
}

TEST_CASE("a hundred thousand lines are written and read again") {
  Fixture logs;
  for (std::uint64_t batch = 0; batch < 100; ++batch) {
    Lines lines;
    for (int line = 0; line < 1000; ++line) lines.push_back(fmt::format("batch {} line {}", batch, line));
    REQUIRE(logs.append(1, batch, lines));
  }
  logs.restart();
  const auto messages = logs.messages();
  REQUIRE(messages.size() == 100'000);
  CHECK(messages.front() == "batch 0 line 0");
  CHECK(messages[54'321] == "batch 54 line 321");
  CHECK(messages.back() == "batch 99 line 999");
}

TEST_CASE("more streams than may be open at once are all there") {
  Fixture logs;
  for (std::uint64_t stream = 0; stream < kMaxOpenStreams + 20; ++stream) {
    REQUIRE(logs.append(1, stream, {"x"}, fmt::format("job/algo-1-{}", stream)));
  }
  REQUIRE(logs.append(1, 1000, {"y"}, "job/algo-1-0"));
  const auto page = logs.store->read(Fixture::query("job/algo-1-0", 0, 10));
  REQUIRE(page->events.size() == 2);
  CHECK(page->events[1].message == "y");
}

TEST_CASE("readers and writers may come at the same time") {
  Fixture logs;
  REQUIRE(logs.append(1, 0, {"0"}));
  std::thread writer([&] {
    for (std::uint64_t batch = 1; batch <= 300; ++batch) {
      (void)logs.append(1, batch, {std::to_string(batch)});
    }
  });
  // Whatever is seen is a beginning of the whole, in order.
  std::size_t seen = 0;
  bool in_order = true;
  while (seen < 301) {
    seen = 0;
    for (const auto& message : logs.messages()) in_order = in_order && message == std::to_string(seen++);
  }
  writer.join();
  CHECK(in_order);
}
