#include "job/script.hpp"

#include <fmt/format.h>

#include <sstream>
#include <stdexcept>
#include <vector>

#include "job/invariants.hpp"
#include "job/samples.hpp"
#include "job/summary.hpp"

namespace holdfast::job::test {

namespace {

using Words = std::vector<std::string>;

[[noreturn]] void unreadable(const std::string& what) { throw std::runtime_error("cannot read '" + what + "'"); }

Duration duration_of(const std::string& text) {
  if (const auto duration = parse_duration(text)) return *duration;
  unreadable(text);
}

std::uint64_t number_of(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos) unreadable(text);
  return std::stoull(text);
}

GenerationId generation_of(const std::string& text) {
  const auto slash = text.find('/');
  if (slash == std::string::npos) unreadable(text);
  return {Fence{number_of(text.substr(0, slash))}, number_of(text.substr(slash + 1))};
}

Outcome outcome_of(const std::string& text) {
  for (const auto outcome : {Outcome::succeeded, Outcome::program_failed, Outcome::bad_input, Outcome::failed,
                             Outcome::reclaimed, Outcome::stopped})
    if (text == to_string(outcome)) return outcome;
  unreadable(text);
}

// The words from the `first` on, as they stood.
std::string rest(const Words& words, std::size_t first) {
  std::string text;
  for (std::size_t i = first; i < words.size(); ++i) text += (text.empty() ? "" : " ") + words[i];
  return text;
}

std::string generation_text(const std::optional<GenerationId>& generation) {
  return generation ? fmt::format("{}/{}", generation->fence.value, generation->sequence) : "none";
}

class Player {
 public:
  // What a line brings, one entry for each line of output.
  std::vector<std::string> play(const std::string& line);

 private:
  void submit(const Words& words);
  void move_clock(const std::string& to);
  Event event_of(const Words& words, Fence fence) const;
  std::string outcome_text(const Job& before, const std::vector<Effect>& effects);
  std::vector<std::string> summary() const;
  std::string since_submit(Instant at) const { return duration_text(at - kEpoch); }

  Instant now_ = kEpoch;
  std::optional<Job> job_;
  Fence newest_;
  std::optional<Instant> wakeup_shown_;
};

void Player::submit(const Words& words) {
  JobSpec spec;
  spec.name = JobName{"train"};
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto equals = words[i].find('=');
    const std::string key = words[i].substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : words[i].substr(equals + 1);
    if (key == "spot" || key == "on-demand") {
      spec.spot = key == "spot";
    } else if (key == "max_run") {
      spec.max_runtime = duration_of(value);
    } else if (key == "max_wait") {
      spec.max_wait = duration_of(value);
    } else if (key == "retries") {
      spec.max_retries = static_cast<int>(number_of(value));
    } else if (key == "checkpoint") {
      spec.checkpoint = Checkpoint{"s3://bucket/checkpoints"};
    } else {
      unreadable(words[i]);
    }
  }
  if (spec.spot != spec.max_wait.has_value()) unreadable("max_wait is given exactly for spot");
  now_ = kEpoch;
  newest_ = {};
  wakeup_shown_.reset();
  job_ = create(std::make_shared<const JobSpec>(std::move(spec)), now_).job;
}

void Player::move_clock(const std::string& to) {
  const Duration by = duration_of(to.substr(1));
  if (to[0] == '@') {
    now_ = kEpoch + by;
  } else {
    now_ += to[0] == '-' ? -by : by;
  }
}

Event Player::event_of(const Words& words, Fence fence) const {
  const std::string& verb = words[0];
  const auto argument = [&](std::size_t i) -> const std::string& {
    if (i >= words.size()) unreadable(rest(words, 0));
    return words[i];
  };
  if (verb == "placed") {
    const double ratio = words.size() > 2 ? std::stod(argument(2).substr(std::string_view("ratio=").size())) : 1.0;
    return Placed{fence, placement(job_->spec->spot, static_cast<MicroDollars>(ratio * 1'000'000 + 0.5))};
  }
  if (verb == "up") return InstanceUp{fence, InstanceId{fmt::format("i-{}", fence.value)}};
  if (verb == "refused") return LaunchRefused{fence, rest(words, 1)};
  if (verb == "agent") return AgentStarted{fence};
  if (verb == "program") {
    if (words.size() == 1) return ProgramStarted{fence, std::nullopt};
    return ProgramStarted{fence, generation_of(argument(2))};
  }
  if (verb == "saved") {
    const auto took =
        words.size() > 2 ? duration_of(argument(2).substr(std::string_view("took=").size())) : Duration{0};
    return CheckpointSaved{fence, generation_of(argument(1)), took};
  }
  if (verb == "program_ended") return ProgramEnded{fence};
  if (verb == "notice") return NoticeReceived{fence, now_ + duration_of(argument(1))};
  if (verb == "gone") {
    if (argument(1) != "reclaimed" && argument(1) != "failed") unreadable(words[1]);
    return InstanceGone{fence, words[1] == "reclaimed", rest(words, 2)};
  }
  if (verb == "ended") return AttemptEnded{fence, outcome_of(argument(1)), rest(words, 2)};
  if (verb == "stop") return StopRequested{};
  if (verb == "time" || verb == "wait") return TimeReached{};
  unreadable(verb);
}

std::string Player::outcome_text(const Job& before, const std::vector<Effect>& effects) {
  std::string text = fmt::format("  -> {} at {}", state_name(job_->state), since_submit(now_));
  // Everything the user could see change: the visits that began now, or the open one's new message.
  std::size_t first = before.transitions.size();
  if (first == job_->transitions.size() && before.transitions.back().message != job_->transitions.back().message)
    --first;
  for (std::size_t i = first; i < job_->transitions.size(); ++i)
    text += fmt::format(" | {}: {}", to_string(job_->transitions[i].status), job_->transitions[i].message);
  for (const Effect& effect : effects) text += " | " + effect_text(effect);
  if (const auto* waiting = std::get_if<Waiting>(&job_->state); waiting && waiting->not_before > now_)
    text += fmt::format(" | not before {}", since_submit(waiting->not_before));
  if (const auto wakeup = next_wakeup(*job_); wakeup != wakeup_shown_) {
    text += wakeup ? fmt::format(" | wakes at {}", since_submit(*wakeup)) : " | wakes no more";
    wakeup_shown_ = wakeup;
  }
  return text;
}

std::vector<std::string> Player::summary() const {
  std::vector<std::string> lines;
  for (const Transition& visit : job_->transitions)
    lines.push_back(fmt::format("  {:>9} - {:<9} {}: {}", since_submit(visit.start),
                                visit.end ? since_submit(*visit.end) : "", to_string(visit.status), visit.message));
  const Summary s = summarize(*job_);
  lines.push_back(fmt::format("  {}/{}{}", to_string(s.primary), to_string(s.secondary),
                              s.failure_reason.empty() ? "" : ", because " + s.failure_reason));
  const auto time = [&](const std::optional<Instant>& at) { return at ? since_submit(*at) : "-"; };
  const auto number = [](const auto& value) { return value ? fmt::format("{}", *value) : "-"; };
  lines.push_back(fmt::format("  started {}, ended {}, training {}, billable {}, savings {}", time(s.training_start),
                              time(s.training_end), number(s.training_seconds), number(s.billable_seconds),
                              s.savings_percent ? fmt::format("{:.1f} %", *s.savings_percent) : "-"));
  const Accounts& a = job_->accounts;
  const auto spent = [](std::int64_t ms) { return duration_text(Duration{ms}); };
  lines.push_back(fmt::format("  waiting {}, starting {}, restoring {}, training {} (lost {}), saving {}, stopping {}",
                              spent(a.waiting_ms), spent(a.starting_ms), spent(a.restoring_ms), spent(a.training_ms),
                              spent(a.lost_ms), spent(a.saving_ms), spent(a.stopping_ms)));
  lines.push_back(fmt::format("  attempts {}, interruptions {}, retries {}, last generation {}, cost ${:.6f}",
                              job_->attempts, job_->interruptions, job_->retries,
                              generation_text(job_->last_generation), static_cast<double>(a.cost) / 1e6));
  return lines;
}

std::vector<std::string> Player::play(const std::string& line) {
  Words words;
  std::istringstream in(line);
  for (std::string word; in >> word;) words.push_back(word);
  if (words.empty() || words[0][0] == '#') return {};
  if (words[0] == "submit") {
    submit(words);
    return {outcome_text(*job_, {})};
  }
  if (!job_) unreadable("an event before the first submit");
  if (std::string_view("+-@").find(words[0][0]) != std::string_view::npos) {
    move_clock(words[0]);
    words.erase(words.begin());
    if (words.empty()) unreadable(line);
  }
  if (words[0] == "summary") return summary();
  if (words[0] == "wait") {
    const auto wakeup = next_wakeup(*job_);
    if (!wakeup) return {"  -> nothing to wait for"};
    now_ = std::max(now_, *wakeup);
  }
  Fence fence = newest_;
  if (words[0] == "placed") {
    if (words.size() < 2) unreadable(line);
    newest_ = fence = Fence{number_of(words[1])};
  } else if (words.size() > 2 && words[words.size() - 2] == "of") {
    fence = Fence{number_of(words.back())};
    words.resize(words.size() - 2);
  }
  const Job before = *job_;
  auto answer = decide(before, event_of(words, fence), now_);
  if (!answer) return {"  -> ignored: " + answer.error().why};
  job_ = std::move(answer->job);
  std::vector<std::string> lines{outcome_text(before, answer->effects)};
  for (const std::string& broken : broken_invariants(*job_)) lines.push_back("  BROKEN " + broken);
  return lines;
}

}  // namespace

std::string replay(const std::string& script) {
  Player player;
  std::string fresh;
  std::istringstream in(script);
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.starts_with("  ")) continue;
    fresh += line + "\n";
    try {
      for (const std::string& output : player.play(line)) fresh += output + "\n";
    } catch (const std::exception& error) {
      throw std::runtime_error(fmt::format("line {}: {}", number, error.what()));
    }
  }
  return fresh;
}

}  // namespace holdfast::job::test
