// What the agent has to say arrives whole and in order, however the other end behaves.
#include <doctest/doctest.h>
#include <sys/mman.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "agent/reporter.hpp"
#include "base/random.hpp"

using namespace holdfast;

namespace {

// The other end: takes what comes, or refuses as it is told.
class Line final : public ports::ControlLink {
 public:
  std::vector<std::string> lines;
  std::vector<std::string> events;
  int away = 0;                // so many reports find nobody
  bool refuses_lines = false;  // for good
  std::uint64_t batches = 0;

  Result<void> report(const ports::Report& report) override {
    const std::lock_guard lock(mutex_);
    if (away > 0) {
      --away;
      return fail(Kind::try_again, "nobody is there");
    }
    if (refuses_lines && !report.logs.empty()) return fail(Kind::invalid, "these lines are not welcome");
    for (const auto& batch : report.logs) {
      if (batch.sequence != batches) return fail(Kind::permanent, "batch {} instead of {}", batch.sequence, batches);
      ++batches;
      for (const auto& line : batch.lines) lines.push_back(line.message);
    }
    for (const auto& event : report.events) events.push_back(event_name(event));
    for (const auto& sample : report.samples) samples_.push_back(sample.timestamp_ms);
    if (!report.events.empty() && std::holds_alternative<job::AttemptEnded>(report.events.back()))
      last_word_after = lines.size();
    return {};
  }
  Result<ports::Order> wait_for_order(ports::Order known) override {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, milliseconds{20}, [&] { return order != known; });
    return order;
  }
  void give(ports::Order what) {
    {
      const std::lock_guard lock(mutex_);
      order = what;
    }
    changed_.notify_all();
  }
  std::int64_t newest_sample() {
    const std::lock_guard lock(mutex_);
    return samples_.empty() ? -1 : samples_.back();
  }
  bool samples_in_order() {
    const std::lock_guard lock(mutex_);
    return std::is_sorted(samples_.begin(), samples_.end());
  }
  std::size_t last_word_after = 0;

 private:
  std::vector<std::int64_t> samples_;
  std::mutex mutex_;
  std::condition_variable changed_;
  ports::Order order = ports::Order::go_on;
};

struct Talk {
  agent::ThreadTasks tasks;
  SystemClock clock;
  agent::LogSpool spool{Fd{::memfd_create("spool", MFD_CLOEXEC)}, "job/algo-1-1"};
  std::unique_ptr<agent::Signal> ordered = tasks.signal();
};

constexpr Fence kFence{1};
const job::AttemptEnded kEnd{kFence, job::Outcome::succeeded, ""};

}  // namespace

TEST_CASE("the last word comes after all lines, however many batches they are") {
  Talk talk;
  Line line;
  constexpr int kLines = static_cast<int>(agent::kMaxBatchLines) * 3 + 7;
  for (int i = 0; i < kLines; ++i) talk.spool.append(i, std::to_string(i));
  agent::Reporter reporter(talk.tasks, talk.clock, line, line, talk.spool, [&] { talk.ordered->ring(); });
  reporter.say(job::AgentStarted{kFence});
  reporter.say(kEnd);
  REQUIRE(reporter.drain(seconds{60}));
  REQUIRE(line.lines.size() == kLines);
  CHECK(line.lines.front() == "0");
  CHECK(line.lines.back() == std::to_string(kLines - 1));
  CHECK(line.events == std::vector<std::string>{"AgentStarted", "AttemptEnded"});
  CHECK(line.last_word_after == kLines);
}

TEST_CASE("a control plane that is away is waited for, and hears everything once") {
  Talk talk;
  Line line;
  line.away = 3;
  talk.spool.append(1, "one");
  agent::Reporter reporter(talk.tasks, talk.clock, line, line, talk.spool, [&] { talk.ordered->ring(); });
  reporter.say(job::AgentStarted{kFence});
  talk.spool.append(2, "two");
  reporter.lines_added();
  reporter.say(kEnd);
  REQUIRE(reporter.drain(seconds{60}));
  CHECK(line.lines == std::vector<std::string>{"one", "two"});
  CHECK(line.events.size() == 2);
}

TEST_CASE("lines that are refused for good do not hold up the last word") {
  Talk talk;
  Line line;
  line.refuses_lines = true;
  talk.spool.append(1, "unwelcome");
  agent::Reporter reporter(talk.tasks, talk.clock, line, line, talk.spool, [&] { talk.ordered->ring(); });
  reporter.say(kEnd);
  REQUIRE(reporter.drain(seconds{60}));
  CHECK(line.lines.empty());
  CHECK(line.events == std::vector<std::string>{"AttemptEnded"});
}

TEST_CASE("an order is heard and wakes the agent") {
  Talk talk;
  Line line;
  agent::Reporter reporter(talk.tasks, talk.clock, line, line, talk.spool, [&] { talk.ordered->ring(); });
  line.give(ports::Order::abandon);
  // drain() ends for an abandoned agent, with or without everything delivered.
  talk.spool.append(1, "late");
  line.away = 1'000'000;
  reporter.drain(seconds{60});
  CHECK(reporter.order() == ports::Order::abandon);
  talk.ordered->wait(std::nullopt);  // for ever, if the order was not announced
}

TEST_CASE("lines are cut at their breaks, and a line without an end into pieces") {
  agent::LineSplitter splitter;
  std::vector<std::string> lines;
  const auto keep = [&](const std::string& text) { lines.push_back(text); };
  splitter.feed("a\r\nb", keep);
  splitter.feed("c\n\n", keep);
  CHECK(lines == std::vector<std::string>{"a", "bc", ""});
  lines.clear();
  splitter.feed(std::string(agent::kMaxLine * 2 + 5, 'x'), keep);
  CHECK(lines.size() == 2);
  splitter.finish(keep);
  REQUIRE(lines.size() == 3);
  CHECK(lines.back() == "xxxxx");
}

TEST_CASE("samples arrive, the newest of them when there were too many, and nobody waits for them") {
  Talk talk;
  Line line;
  line.away = 3;
  agent::Reporter reporter(talk.tasks, talk.clock, line, line, talk.spool, [] {});
  for (std::size_t i = 0; i < agent::kMaxSamples + 10; ++i)
    reporter.say(ports::InstanceSample{static_cast<std::int64_t>(i), {{"CPUUtilization", 1}}});
  reporter.say(kEnd);
  CHECK(reporter.drain(seconds{30}));
  CHECK(line.events == std::vector<std::string>{"AttemptEnded"});
  const auto until = talk.clock.ticks() + seconds{30};
  while (line.newest_sample() + 1 < static_cast<std::int64_t>(agent::kMaxSamples) + 10 && talk.clock.ticks() < until)
    std::this_thread::yield();
  CHECK(line.newest_sample() + 1 == static_cast<std::int64_t>(agent::kMaxSamples) + 10);
  CHECK(line.samples_in_order());
}
