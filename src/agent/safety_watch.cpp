#include "agent/safety_watch.hpp"

#include <algorithm>
#include <utility>

#include "job/event.hpp"

namespace holdfast::agent {
namespace {

using checkpoint::Verdict;

// A recommendation is worth a line when the program saves more than twice as often or as seldom.
constexpr int kWorthSaying = 2;
// Rounds of which the interval of a program's saves is made.
constexpr int kRoundsForInterval = 3;
// Of the notice: what the agent keeps for its last word.
constexpr Duration kMargin = seconds{1};
// A first save, whose length nobody knows yet.
constexpr Duration kSurelyWritten = seconds{10};

double in_seconds(Duration duration) { return static_cast<double>(duration.count()) / 1000.0; }

}  // namespace

SafetyWatch::SafetyWatch(Tasks& tasks, Clock& clock, const PacedStore& store, SafetyOptions options, Note note,
                         Tell tell)
    : clock_(clock),
      store_(store),
      options_(options),
      note_(std::move(note)),
      tell_(std::move(tell)),
      safe_since_(clock.ticks()),
      news_(tasks.signal()),
      task_(tasks.start([this] { run(); })) {}

SafetyWatch::~SafetyWatch() { stop(); }

void SafetyWatch::stop() {
  stopping_ = true;
  news_->ring();
}

// ---- what is heard

void SafetyWatch::seen(const CheckpointFigures& figures) {
  {
    const std::lock_guard lock(mutex_);
    const bool more = figures.dirty_since && !figures_.dirty_since;
    figures_ = figures;
    sent_when_seen_ = store_.sent().bytes;
    if (!more) return;
  }
  news_->ring();
}

void SafetyWatch::committed(const CheckpointCommitted& generation) {
  {
    const std::lock_guard lock(mutex_);
    const Instant now = clock_.ticks();
    take_rate();
    last_round_ = checkpoint::Round{now - safe_since_, figures_.written_bytes - written_before_,
                                    std::max(longest_, generation.safe_after)};
    if (rounds_++ > 0) rounds_lasted_ += last_round_->lasted;
    safe_since_ = now;
    written_before_ = figures_.written_bytes;
    longest_ = Duration{0};
    save_takes_ = job::longest_of_late(save_takes_.value_or(Duration{0}), generation.wrote);
    usual_save_ = generation.wrote + generation.safe_after;
    commit_takes_ = generation.commit_took;
    usual_bytes_ = generation.uploaded_bytes;
  }
  news_->ring();
}

// ---- what follows

void SafetyWatch::take_rate() {
  const auto sent = store_.sent();
  rate_.add(sent.bytes - counted_.bytes, sent.busy - counted_.busy);
  counted_ = sent;
}

// A file that is written for much longer than a save takes is no save, and nobody knows when it ends.
bool SafetyWatch::held_up() const {
  if (!figures_.dirty_since || figures_.store_trouble || !figures_.unrest_since) return figures_.store_trouble;
  return clock_.ticks() - *figures_.unrest_since >
         std::max<Duration>(kSurelyWritten, 2 * save_takes_.value_or(Duration{0}));
}

checkpoint::Unsaved SafetyWatch::unsaved() const {
  // What was sent since the directory was looked at is less to send.
  const auto sent = std::min(store_.sent().bytes - sent_when_seen_, figures_.bytes_to_upload);
  return {.bytes_to_send = figures_.bytes_to_upload - sent,
          .any = figures_.dirty_since.has_value(),
          .bytes_per_second = rate_.bytes_per_second(),
          .commit_takes = commit_takes_,
          .held_up = held_up()};
}

checkpoint::SafetyFacts SafetyWatch::facts(Instant now) const {
  checkpoint::SafetyFacts facts;
  facts.notice = options_.capacity.notice;
  facts.margin = kMargin;
  facts.last = last_round_;
  facts.present = {now - safe_since_, figures_.written_bytes - written_before_, longest_};
  facts.dirty_since = figures_.dirty_since;
  facts.usual_save = usual_save_;
  facts.bytes_per_second = rate_.bytes_per_second();
  facts.safe_since = safe_since_;
  if (options_.capacity.lifetime) {
    const auto lifetime = *options_.capacity.lifetime;
    facts.stale_after = save_takes_ ? checkpoint::kStaleTimes * checkpoint::best_interval(*save_takes_, lifetime)
                                    : std::max(lifetime, checkpoint::kOverdueLeast);
    facts.stale_after = std::max(*facts.stale_after, checkpoint::kOverdueLeast);
  }
  return facts;
}

checkpoint::VerdictNumbers SafetyWatch::numbers(const checkpoint::SafetyFacts& facts, Instant now) const {
  checkpoint::VerdictNumbers numbers;
  numbers.notice = facts.notice;
  numbers.longest = std::max(longest_, last_round_ ? last_round_->longest : Duration{0});
  numbers.bytes_at_risk = figures_.bytes_at_risk;
  numbers.bytes_per_second = facts.bytes_per_second;
  const auto last = last_round_ ? checkpoint::writing_rate(*last_round_).value_or(0) : 0;
  numbers.written_per_second = std::max(checkpoint::writing_rate(facts.present).value_or(0), last);
  numbers.checkpoint_bytes = usual_bytes_;
  numbers.commit_takes = commit_takes_;
  numbers.age = now - safe_since_;
  numbers.any_generation = figures_.last.has_value();
  if (figures_.dirty_since) numbers.dirty_for = now - *figures_.dirty_since;
  return numbers;
}

std::optional<std::string> SafetyWatch::recommendation() {
  if (recommended_ || rounds_ <= kRoundsForInterval || !options_.capacity.lifetime || !save_takes_) return std::nullopt;
  recommended_ = true;
  const auto lifetime = *options_.capacity.lifetime;
  const auto best = checkpoint::best_interval(*save_takes_, lifetime);
  const Duration every = rounds_lasted_ / (rounds_ - 1);
  if (every <= best * kWorthSaying && best <= every * kWorthSaying) return std::nullopt;
  return checkpoint::interval_text(best, every, *save_takes_, lifetime);
}

ports::InstanceSample SafetyWatch::sample(Instant now) const {
  ports::InstanceSample sample{to_ms(clock_.now()), {}};
  sample.values.emplace_back("CheckpointAge", in_seconds(now - safe_since_));
  sample.values.emplace_back("CheckpointBytesAtRisk", static_cast<double>(figures_.bytes_at_risk));
  if (const auto rate = rate_.bytes_per_second())
    sample.values.emplace_back("CheckpointUploadRate", static_cast<double>(*rate));
  if (const auto left = checkpoint::time_to_safe(unsaved()))
    sample.values.emplace_back("CheckpointTimeToSafe", in_seconds(*left));
  return sample;
}

bool SafetyWatch::look() {
  std::optional<std::string> verdict_said, interval_said;
  std::optional<ports::InstanceSample> figures;
  bool soon = false;
  {
    const std::lock_guard lock(mutex_);
    const Instant now = clock_.ticks();
    take_rate();
    if (const auto left = checkpoint::time_to_safe(unsaved())) longest_ = std::max(longest_, *left);
    const auto known = facts(now);
    const auto verdict = checkpoint::judge(known, now);
    if (verdict != verdict_ && verdict != Verdict::unknown) {
      verdict_ = verdict;
      verdict_said = checkpoint::verdict_text(verdict, numbers(known, now));
    }
    interval_said = recommendation();
    const bool at_risk = figures_.dirty_since.has_value();
    const auto since_sample = sampled_at_ ? now - *sampled_at_ : options_.sample_every;
    const bool other_than_said = at_risk != said_at_risk_;
    if (verdict_said || since_sample >= options_.sample_every ||
        (other_than_said && since_sample >= options_.look_every)) {
      sampled_at_ = now;
      said_at_risk_ = at_risk;
      figures = sample(now);
    }
    soon = at_risk || at_risk != said_at_risk_;
  }
  if (verdict_said) note_(*verdict_said);
  if (interval_said) note_(*interval_said);
  if (figures) tell_(std::move(*figures));
  return soon;
}

void SafetyWatch::run() {
  while (!stopping_) {
    const bool soon = look();
    if (stopping_) return;
    news_->wait(soon ? std::min(options_.look_every, options_.sample_every) : options_.sample_every);
  }
}

// ---- what is asked

checkpoint::NoticePlan SafetyWatch::plan(Duration left) const {
  const std::lock_guard lock(mutex_);
  const Instant now = clock_.ticks();
  return checkpoint::plan_at_notice({.left = left,
                                     .unsaved = unsaved(),
                                     .saving = figures_.saving_since.has_value(),
                                     .saving_for = figures_.saving_since ? now - *figures_.saving_since : Duration{0},
                                     .save_takes = save_takes_,
                                     .usual_bytes = usual_bytes_});
}

bool SafetyWatch::safe() const {
  const std::lock_guard lock(mutex_);
  return !figures_.dirty_since;
}

bool SafetyWatch::saving() const {
  const std::lock_guard lock(mutex_);
  return figures_.saving_since.has_value();
}

std::optional<Duration> SafetyWatch::save_takes() const {
  const std::lock_guard lock(mutex_);
  return save_takes_;
}

}  // namespace holdfast::agent
