#include "checkpoint/safety.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace holdfast;
using namespace holdfast::checkpoint;

namespace {

constexpr std::uint64_t kMiB = 1u << 20;
constexpr std::uint64_t kGB = 1'000'000'000;
const Instant kStart = from_ms(1'000'000);

FileIdentity file(std::uint64_t inode, std::uint64_t size, std::int64_t mtime = 1) {
  return {.device = 1, .inode = inode, .size = size, .mtime_ns = mtime, .ctime_ns = mtime};
}

}  // namespace

// ---- the rate

TEST_CASE("no rate is known before enough was sent") {
  RateEstimator rate;
  CHECK_FALSE(rate.bytes_per_second());
  rate.add(10, milliseconds{5});
  CHECK_FALSE(rate.bytes_per_second());
  rate.add(kMiB, milliseconds{100});
  CHECK(*rate.bytes_per_second() == (kMiB + 10) * 1000 / 105);
}

TEST_CASE("a link that takes next to nothing has a rate too, and never 0") {
  RateEstimator rate;
  rate.add(0, seconds{5});
  CHECK(*rate.bytes_per_second() == 1);
}

TEST_CASE("one tiny file does not distort the rate, before or after large ones") {
  RateEstimator rate;
  rate.add(1, milliseconds{40});
  rate.add(10 * kGB, seconds{100});
  rate.add(1, milliseconds{40});
  CHECK(*rate.bytes_per_second() > kGB / 10 - kGB / 1000);
  CHECK(*rate.bytes_per_second() <= kGB / 10);
}

TEST_CASE("the rate follows a link that slows down, and forgets how it was") {
  RateEstimator rate;
  for (int i = 0; i < 10; ++i) rate.add(100 * kMiB, seconds{1});
  for (int i = 0; i < 20; ++i) rate.add(10 * kMiB, seconds{1});
  CHECK(*rate.bytes_per_second() < 12 * kMiB);
}

TEST_CASE("a million tiny transfers stay bounded, and say what small files get") {
  RateEstimator rate;
  for (int i = 0; i < 1'000'000; ++i) rate.add(8192, milliseconds{1});
  CHECK(*rate.bytes_per_second() == 8'192'000);
}

// ---- saves

TEST_CASE("a save lasts from its first change to its last, and ends with the commit") {
  SaveTimer saves;
  CHECK(saves.so_far() == Duration{0});
  CHECK_FALSE(saves.saving(kStart, seconds{1}));
  saves.changed(kStart, false);
  saves.changed(kStart + seconds{20}, false);
  saves.changed(kStart + seconds{45}, false);
  CHECK(saves.saving(kStart + seconds{45}, milliseconds{500}));
  CHECK_FALSE(saves.saving(kStart + seconds{46}, milliseconds{500}));
  CHECK(saves.committed() == seconds{45});
  CHECK(saves.committed() == Duration{0});
}

TEST_CASE("what came long before a save is not part of it") {
  SaveTimer saves;
  saves.changed(kStart, false);
  saves.changed(kStart + seconds{100}, false);
  saves.changed(kStart + seconds{103}, false);
  CHECK(saves.committed() == seconds{3});
}

TEST_CASE("a file that stays open is one save, however long nothing is written to it") {
  SaveTimer saves;
  saves.changed(kStart, true);
  CHECK(saves.saving(kStart + seconds{90}, milliseconds{500}));
  saves.changed(kStart + seconds{100}, false);
  CHECK(saves.so_far() == seconds{100});
  CHECK_FALSE(saves.saving(kStart + seconds{101}, milliseconds{500}));
}

// ---- what a program writes

TEST_CASE("written is what is new: growth, whole new files, files written over; renaming writes nothing") {
  CHECK(bytes_written({}, {}) == 0);
  CHECK(bytes_written({{{}, file(1, 100)}}, {}) == 100);
  CHECK(bytes_written({{file(1, 100), file(1, 150, 2)}}, {}) == 50);
  CHECK(bytes_written({{file(1, 100), file(2, 100, 2)}}, {}) == 100);
  CHECK(bytes_written({{file(1, 100), file(1, 100, 2)}}, {}) == 100);
  CHECK(bytes_written({{file(1, 100), file(1, 40, 2)}}, {}) == 40);
  // Written to another name and renamed over the old file.
  CHECK(bytes_written({{file(1, 100), file(2, 130)}}, {file(2, 130)}) == 0);
  CHECK(bytes_written({{{}, file(2, 150)}}, {file(2, 130)}) == 20);
  // Only its mode changed.
  CHECK(bytes_written({{file(1, 100), {1, 1, 100, 1, 9}}}, {}) == 0);
}

// ---- time to safe

TEST_CASE("safe at once when nothing changed, after the commit when all is sent, after the rest otherwise") {
  CHECK(*time_to_safe({}) == Duration{0});
  CHECK(*time_to_safe({.bytes_to_send = 0, .any = true, .bytes_per_second = {}, .commit_takes = milliseconds{700}}) ==
        milliseconds{700});
  CHECK(*time_to_safe(
            {.bytes_to_send = 3 * kGB, .any = true, .bytes_per_second = kGB / 10, .commit_takes = milliseconds{700}}) ==
        milliseconds{30'700});
  CHECK_FALSE(time_to_safe({.bytes_to_send = 1, .any = true, .bytes_per_second = {}, .commit_takes = {}}));
}

TEST_CASE("sending takes time rounded up, and has a longest answer") {
  CHECK(time_to_send(0, 0) == Duration{0});
  CHECK(time_to_send(1, 1'000'000) == milliseconds{1});
  CHECK(time_to_send(1'000'001, 1'000'000) == milliseconds{1001});
  CHECK(time_to_send(1, 0) == kLongestEstimate);
  CHECK(time_to_safe({.bytes_to_send = 0, .any = true, .bytes_per_second = 1}) == Duration{0});
  CHECK_FALSE(time_to_safe({.bytes_to_send = 0, .any = true, .bytes_per_second = 1, .held_up = true}));
  CHECK(time_to_send(~std::uint64_t{0}, 1) == kLongestEstimate);
  CHECK(time_to_send(~std::uint64_t{0}, ~std::uint64_t{0}) > Duration{0});
}

// ---- the verdict

TEST_CASE("the verdict is about the worst moment of a round, so it does not change with every save") {
  SafetyFacts facts;
  facts.notice = seconds{30};
  facts.margin = seconds{1};
  CHECK(judge(facts, kStart) == Verdict::unknown);
  facts.present.longest = seconds{29};
  CHECK(judge(facts, kStart) == Verdict::unknown);  // something may hold the commit up
  facts.present.longest = seconds{30};
  CHECK(judge(facts, kStart) == Verdict::too_long);
  // After the commit nothing is at risk, but the next round will be as this one was.
  facts.last = facts.present;
  facts.present = {};
  CHECK(judge(facts, kStart) == Verdict::too_long);
  facts.last->longest = seconds{10};
  CHECK(judge(facts, kStart) == Verdict::fits);
}

TEST_CASE("without a notice everything is too long, and what is never taken away always fits") {
  SafetyFacts facts;
  facts.notice = Duration{0};
  facts.margin = seconds{1};
  facts.last = Round{seconds{60}, 1, milliseconds{5}};
  CHECK(judge(facts, kStart) == Verdict::too_long);
  facts.notice.reset();
  CHECK(judge(facts, kStart) == Verdict::fits);
}

TEST_CASE("a program that writes more than the link takes outruns it") {
  SafetyFacts facts;
  facts.notice = seconds{120};
  facts.last = Round{seconds{60}, 60 * kGB, seconds{1}};
  facts.bytes_per_second = kGB;
  CHECK(judge(facts, kStart) == Verdict::fits);
  facts.last->written += kGB;
  CHECK(judge(facts, kStart) == Verdict::outrun);
  CHECK(*writing_rate(*facts.last) == 61 * kGB / 60);
  // Also one that never gets so far as to commit, but not for a burst.
  facts.last.reset();
  facts.present = {.lasted = seconds{59}, .written = 100 * kGB, .longest = seconds{100}};
  CHECK(judge(facts, kStart) == Verdict::unknown);
  facts.present.lasted = seconds{61};
  CHECK(judge(facts, kStart) == Verdict::outrun);
}

TEST_CASE("changes that nothing commits are overdue after ten minutes, or three times what a save takes") {
  SafetyFacts facts;
  facts.notice = seconds{120};
  facts.last = Round{seconds{60}, kGB, seconds{1}};
  facts.dirty_since = kStart;
  facts.bytes_per_second = kGB;
  CHECK(judge(facts, kStart + minutes{10} - milliseconds{1}) == Verdict::fits);
  CHECK(judge(facts, kStart + minutes{10}) == Verdict::overdue);
  facts.usual_save = minutes{30};
  CHECK(judge(facts, kStart + minutes{89}) == Verdict::fits);
  CHECK(judge(facts, kStart + minutes{90}) == Verdict::overdue);
}

TEST_CASE("a program that does not save for long has a stale checkpoint, where it is known what is long") {
  SafetyFacts facts;
  facts.safe_since = kStart;
  CHECK(judge(facts, kStart + hours{100}) == Verdict::unknown);
  facts.stale_after = minutes{30};
  CHECK(judge(facts, kStart + minutes{29}) == Verdict::unknown);
  CHECK(judge(facts, kStart + minutes{30}) == Verdict::stale);
  // One that writes now is about to mend it.
  facts.dirty_since = kStart + minutes{29};
  CHECK(judge(facts, kStart + minutes{30}) == Verdict::unknown);
}

TEST_CASE("the shortest interval is what sending takes and a quarter more") {
  CHECK(shortest_interval(100 * kGB, kGB, seconds{4}) == seconds{130});
  CHECK(shortest_interval(1, 0, {}) >= kLongestEstimate);
}

// ---- how often

TEST_CASE("the best interval is Young's where saves are short, as in what-users-ask") {
  // C = 60 s: 9.3 minutes at a mean up-time of 0.72 h, 35 minutes at 10.4 h (Young; Daly adds C/3 and the save itself
  // is counted here).
  const auto short_lived = best_interval(seconds{60}, minutes{43});
  CHECK(short_lived > minutes{9});
  CHECK(short_lived < minutes{10});
  const auto long_lived = best_interval(seconds{60}, minutes{624});
  CHECK(long_lived > minutes{35});
  CHECK(long_lived < minutes{36});
}

TEST_CASE("the best interval agrees with Daly's formula in floating point") {
  for (const std::int64_t c : {1, 10, 1'000, 60'000, 3'600'000, 86'400'000}) {
    for (const std::int64_t m : {1'000LL, 60'000LL, 3'600'000LL, 86'400'000LL, 31'536'000'000LL}) {
      if (c >= 2 * m) continue;
      const double r = std::sqrt(static_cast<double>(c) / (2.0 * static_cast<double>(m)));
      const double young = std::sqrt(2.0 * static_cast<double>(c) * static_cast<double>(m));
      const double expected = std::max(young * (1 + r / 3 + r * r / 9), 1000.0);
      CAPTURE(c);
      CAPTURE(m);
      CHECK(std::abs(static_cast<double>(best_interval(Duration{c}, Duration{m}).count()) - expected) <= 4);
    }
  }
}

TEST_CASE("where a save takes twice as long as an instance lasts, saving without pause is the best there is") {
  CHECK(best_interval(hours{2}, hours{1}) == hours{3});
  CHECK(best_interval(Duration{0}, hours{1}) == kShortestInterval);
  CHECK(best_interval(hours{2400}, Duration::max()) > Duration{0});
}

TEST_CASE("the best interval loses no more than any other") {
  const Duration save = seconds{30}, lifetime = hours{2};
  const auto best = best_interval(save, lifetime);
  const int least = lost_per_mille(best, save, lifetime);
  for (Duration other = seconds{60}; other < hours{4}; other += seconds{60}) {
    CHECK(lost_per_mille(other, save, lifetime) >= least - 1);
  }
  CHECK(lost_per_mille(hours{1}, Duration{0}, hours{1}) == 500);
  CHECK(lost_per_mille(Duration{0}, seconds{1}, hours{1}) == 1000);
}

// ---- at a notice

TEST_CASE("with nothing under way the program is told at once") {
  CHECK(plan_at_notice({.left = seconds{120},
                        .unsaved = {},
                        .saving = false,
                        .saving_for = {},
                        .save_takes = {},
                        .usual_bytes = 0}) == NoticePlan{AtNotice::start_new, {}});
}

TEST_CASE("a new checkpoint that is known not to fit is told so; the last one stands") {
  NoticeFacts facts{.left = seconds{30},
                    .unsaved = {.bytes_to_send = 0, .any = false, .bytes_per_second = kGB / 10, .commit_takes = {}},
                    .saving = false,
                    .saving_for = {},
                    .save_takes = seconds{10},
                    .usual_bytes = 3 * kGB};
  CHECK(plan_at_notice(facts) == NoticePlan{AtNotice::stand, {}});
  facts.left = seconds{40};
  CHECK(plan_at_notice(facts) == NoticePlan{AtNotice::start_new, {}});
}

TEST_CASE("an upload that fits goes first") {
  NoticeFacts facts{
      .left = seconds{120},
      .unsaved = {.bytes_to_send = kGB, .any = true, .bytes_per_second = kGB / 10, .commit_takes = seconds{2}},
      .saving = false,
      .saving_for = {},
      .save_takes = seconds{10},
      .usual_bytes = 3 * kGB};
  CHECK(plan_at_notice(facts) == NoticePlan{AtNotice::finish_first, seconds{15}});
  // One that does not fit in three quarters of the time is not waited for.
  facts.left = seconds{19};
  CHECK(plan_at_notice(facts).what == AtNotice::stand);
  facts.unsaved.bytes_per_second.reset();
  CHECK(plan_at_notice(facts) == NoticePlan{AtNotice::start_new, {}});
}

TEST_CASE("a save under way goes first if its rest and its upload fit") {
  NoticeFacts facts{
      .left = seconds{120},
      .unsaved = {.bytes_to_send = kGB / 10, .any = true, .bytes_per_second = kGB / 10, .commit_takes = seconds{1}},
      .saving = true,
      .saving_for = seconds{4},
      .save_takes = seconds{10},
      .usual_bytes = kGB};
  // 6 s of writing, 10 s of sending, 1 s of committing, and a quarter more.
  CHECK(plan_at_notice(facts) == NoticePlan{AtNotice::finish_first, milliseconds{21'250}});
  facts.saving_for = hours{1};
  CHECK(plan_at_notice(facts) == NoticePlan{AtNotice::finish_first, milliseconds{13'750}});
  // A first save may last for ever.
  facts.save_takes.reset();
  CHECK(plan_at_notice(facts) == NoticePlan{AtNotice::start_new, {}});
}

TEST_CASE("a checkpoint so small that no rate is known goes first all the same") {
  NoticeFacts facts{
      .left = seconds{120},
      .unsaved = {.bytes_to_send = kMiB / 4, .any = true, .bytes_per_second = {}, .commit_takes = seconds{1}},
      .saving = true,
      .saving_for = seconds{4},
      .save_takes = seconds{10},
      .usual_bytes = kMiB / 2};
  // 6 s of writing, the 2 s of sending that all there was took at most, 1 s of committing, and a quarter more.
  CHECK(plan_at_notice(facts) == NoticePlan{AtNotice::finish_first, milliseconds{11'250}});
  facts.left = seconds{14};
  CHECK(plan_at_notice(facts).what != AtNotice::finish_first);
  facts.left = seconds{120};
  facts.usual_bytes = kMiB;
  CHECK(plan_at_notice(facts) == NoticePlan{AtNotice::start_new, {}});
  facts.usual_bytes = kMiB / 2;
  facts.unsaved.held_up = true;
  CHECK(plan_at_notice(facts) == NoticePlan{AtNotice::start_new, {}});
}

TEST_CASE("whatever is known, a program is told with a quarter of the time left, and never later than the end") {
  for (const int left : {-5, 0, 1, 30, 120})
    for (const bool saving : {false, true})
      for (const std::uint64_t bytes : {std::uint64_t{0}, kMiB, 100 * kGB})
        for (const int takes : {0, 5, 500}) {
          const auto plan = plan_at_notice({.left = seconds{left},
                                            .unsaved = {bytes, true, kGB / 20, milliseconds{600}},
                                            .saving = saving,
                                            .saving_for = seconds{3},
                                            .save_takes = seconds{takes},
                                            .usual_bytes = kGB});
          CHECK(plan.hold >= Duration{0});
          CHECK(plan.hold * 4 <= std::max(Duration{seconds{left}}, Duration{0}) * 3);
          CHECK((plan.what == AtNotice::finish_first) == (plan.hold > Duration{0}));
        }
}

TEST_CASE("a save under way may outlast the grace by what saves took, within bounds") {
  CHECK(save_allowance(std::nullopt) == kUnmeasuredSave);
  CHECK(save_allowance(Duration{0}) == Duration{0});
  CHECK(save_allowance(seconds{100}) == seconds{125});
  CHECK(save_allowance(hours{5}) == kLongestSaveAllowance);
}
