// Prints what every event does in every state, and compares it with docs/job-states.md: a change of decide() shows
// there, and a hole cannot hide behind the catch-all that ignores.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <functional>
#include <map>

#include "job/samples.hpp"

namespace holdfast::job::test {

namespace {

constexpr const char* kPage = "docs/job-states.md";
constexpr const char* kMarker = "<!-- The rest is recorded by tests/job/test_table.cpp. -->\n";
constexpr Fence kOlder{1};
constexpr Fence kCurrent{2};
constexpr Fence kNext{3};
constexpr std::size_t kStates = std::variant_size_v<State>;

// A job in each state, second attempt, one second after it came there.
class Sample {
 public:
  Sample(std::size_t state, JobSpec spec) : job_(create(std::make_shared<const JobSpec>(std::move(spec)), kEpoch).job) {
    place(kOlder);
    tell(InstanceGone{kOlder, true, ""});
    const std::string name = name_of(state);
    place(kCurrent);
    if (name == "Waiting") tell(InstanceGone{kCurrent, true, ""});
    if (name == "Waiting" || name == "Launching") return;
    tell(AgentStarted{kCurrent});
    if (name == "Downloading") return;
    tell(ProgramStarted{kCurrent, {}});
    tell(CheckpointSaved{kCurrent, {kCurrent, 5}});
    if (name == "Training") return;
    tell(name == "Uploading" ? Event{ProgramEnded{kCurrent}} : Event{StopRequested{}});
    if (name == "Ended") tell(AttemptEnded{kCurrent, Outcome::stopped, ""});
  }

  static std::string name_of(std::size_t state) {
    constexpr std::array names{"Waiting", "Launching", "Downloading", "Training", "Uploading", "Stopping", "Ended"};
    static_assert(names.size() == kStates);
    return names.at(state);
  }

  void tell(const Event& event) {
    auto decision = decide(job_, event, now_);
    REQUIRE(decision);
    job_ = std::move(decision->job);
    now_ += seconds{1};
  }
  void let_pass(Duration time) { now_ += time; }

  const Job& job() const { return job_; }
  Instant now() const { return now_; }

 private:
  void place(Fence fence) { tell(Placed{fence, placement(job_.spec->spot, 300'000)}); }

  Instant now_ = kEpoch;
  Job job_;
};

JobSpec roomy(JobSpec spec) {
  spec.max_runtime = hours{10'000};
  if (spec.spot) spec.max_wait = hours{10'000};
  return spec;
}
JobSpec with_retries(JobSpec spec, int retries) {
  spec.max_retries = retries;
  return spec;
}
JobSpec with_short_walls(std::optional<Duration> max_wait, std::optional<Duration> max_runtime) {
  JobSpec spec = roomy(spot_spec());
  if (max_wait) spec.max_wait = *max_wait;
  if (max_runtime) spec.max_runtime = *max_runtime;
  return spec;
}

struct Row {
  std::string event;
  std::function<Event(Fence)> make;
  JobSpec spec = roomy(spot_spec());
  std::function<void(Sample&)> before = [](Sample&) {};
};

Row ended(Outcome outcome) {
  return {fmt::format("AttemptEnded, {}", to_string(outcome)), [=](Fence fence) {
            return AttemptEnded{fence, outcome, "why"};
          }};
}

// What carries a fence: said by the current attempt in one table, by an older one in the other.
std::vector<Row> rows_with_fence() {
  std::vector<Row> rows{
      {"InstanceUp",
       [](Fence f) {
         return InstanceUp{f, InstanceId{"i"}};
       }},
      {"LaunchRefused",
       [](Fence f) {
         return LaunchRefused{f, "why"};
       }},
      {"NoticeReceived",
       [](Fence f) {
         return NoticeReceived{f, kEpoch + hours{1}};
       }},
      {"InstanceGone, reclaimed",
       [](Fence f) {
         return InstanceGone{f, true, "why"};
       }},
      {"InstanceGone, died, spot job",
       [](Fence f) {
         return InstanceGone{f, false, "why"};
       }},
      {"InstanceGone, died, on-demand job",
       [](Fence f) {
         return InstanceGone{f, false, "why"};
       },
       roomy(on_demand_spec())},
      {"AgentStarted", [](Fence f) { return AgentStarted{f}; }},
      {"ProgramStarted",
       [](Fence f) {
         return ProgramStarted{f, GenerationId{kOlder, 1}};
       }},
      {"CheckpointSaved, a newer one",
       [](Fence f) {
         return CheckpointSaved{f, {kNext, 1}};
       }},
      {"ProgramEnded", [](Fence f) { return ProgramEnded{f}; }},
  };
  for (const auto outcome : {Outcome::succeeded, Outcome::program_failed, Outcome::bad_input, Outcome::failed,
                             Outcome::reclaimed, Outcome::stopped}) {
    rows.push_back(ended(outcome));
    if (outcome != Outcome::failed) continue;
    Row retried = ended(outcome);
    retried.event += ", a retry left";
    retried.spec = with_retries(retried.spec, 1);
    rows.push_back(std::move(retried));
  }
  return rows;
}

std::vector<Row> rows_without_fence() {
  const auto time_reached = [](Fence) { return TimeReached{}; };
  const auto let_pass = [](Duration time) { return [time](Sample& sample) { sample.let_pass(time); }; };
  return {
      {"StopRequested", [](Fence) { return StopRequested{}; }},
      {"Placed",
       [](Fence) {
         return Placed{kNext, placement(true, 300'000)};
       }},
      {"TimeReached, nothing is due", time_reached},
      {"TimeReached, MaxWait", time_reached, with_short_walls(minutes{5}, std::nullopt), let_pass(minutes{5})},
      {"TimeReached, MaxRuntime", time_reached, with_short_walls(std::nullopt, minutes{5}), let_pass(minutes{5})},
      {"TimeReached, notice overdue", time_reached, roomy(spot_spec()),
       [](Sample& sample) {
         if (current_attempt(sample.job())) sample.tell(NoticeReceived{kCurrent, sample.now()});
         sample.let_pass(kReclaimSlack);
       }},
      {"TimeReached, the state's own limit", time_reached, roomy(spot_spec()),
       [](Sample& sample) {
         const auto wakeup = next_wakeup(sample.job());
         sample.let_pass(std::min<Duration>(hours{1000}, wakeup ? *wakeup - sample.now() : Duration{0}));
       }},
  };
}

class Table {
 public:
  void print(const std::string& title, const std::vector<Row>& rows, Fence fence) {
    text_ += "\n## " + title + "\n\n| event |";
    for (std::size_t state = 0; state < kStates; ++state) text_ += " " + Sample::name_of(state) + " |";
    text_ += "\n|---|";
    for (std::size_t state = 0; state < kStates; ++state) text_ += "---|";
    text_ += "\n";
    // Neighbours that do the same share a line.
    std::string events, shared;
    const auto flush = [&] {
      if (!events.empty()) text_ += "| " + events + " |" + shared + "\n";
    };
    for (const Row& row : rows) {
      std::string cells;
      for (std::size_t state = 0; state < kStates; ++state) cells += " " + cell(row, state, fence) + " |";
      if (cells == shared) {
        events += "<br>" + row.event;
        continue;
      }
      flush();
      events = row.event;
      shared = cells;
    }
    flush();
  }

  std::string text() const {
    std::string legend = "\n## Why an event is ignored\n\n";
    for (const auto& [letter, why] : reasons_) legend += fmt::format("- **{}**: {}\n", letter, why);
    return text_ + legend;
  }

 private:
  std::string cell(const Row& row, std::size_t state, Fence fence) {
    Sample sample(state, row.spec);
    row.before(sample);
    const Job& before = sample.job();
    REQUIRE(before.state.index() == state);
    const auto decision = decide(before, row.make(fence), sample.now());
    if (!decision) return fmt::format("— {}", letter_for(decision.error().why));
    const Job& after = decision->job;
    std::string text;
    if (after.state.index() != state || after.transitions.size() != before.transitions.size()) {
      text = fmt::format("**{}**", state_name(after.state));
      const std::string status = to_string(secondary_status(after));
      if (status != state_name(after.state)) text += " " + status;
    } else {
      text = decision->effects.empty() ? "noted" : "stays";
    }
    for (const Effect& effect : decision->effects) text += ", " + effect_text(effect);
    return text;
  }

  char letter_for(const std::string& why) {
    for (const auto& [letter, known] : reasons_)
      if (known == why) return letter;
    const char letter = static_cast<char>('a' + reasons_.size());
    reasons_.emplace(letter, why);
    return letter;
  }

  std::string text_;
  std::map<char, std::string> reasons_;
};

}  // namespace

TEST_CASE("docs/job-states.md shows what every event does in every state") {
  Table table;
  table.print("What the job's attempt says", rows_with_fence(), kCurrent);
  table.print("What anybody else says", rows_without_fence(), kCurrent);
  table.print("What an older attempt says", rows_with_fence(), kOlder);

  const std::string page = read_source_file(kPage);
  const auto marker = page.find(kMarker);
  REQUIRE(marker != std::string::npos);
  check_recording(kPage, page, page.substr(0, marker + std::string_view(kMarker).size()) + table.text());
}

TEST_CASE("every state but Waiting on demand and Ended is left without anybody's help, when its time comes") {
  for (std::size_t state = 0; state < kStates; ++state) {
    for (const bool spot : {true, false}) {
      CAPTURE(Sample::name_of(state));
      CAPTURE(spot);
      const Sample sample(state, spot ? spot_spec() : on_demand_spec());
      const auto wakeup = next_wakeup(sample.job());
      const bool waits_for_others = is_ended(sample.job()) || (!spot && Sample::name_of(state) == "Waiting");
      REQUIRE(wakeup.has_value() == !waits_for_others);
      if (!wakeup) continue;
      const auto decision = decide(sample.job(), TimeReached{}, *wakeup);
      REQUIRE(decision);
      CHECK(decision->job.state.index() != state);
    }
  }
}

}  // namespace holdfast::job::test
