#include "checkpoint/safety_words.hpp"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::checkpoint;

namespace {

VerdictNumbers numbers() {
  VerdictNumbers some;
  some.notice = seconds{30};
  some.longest = milliseconds{95'300};
  some.bytes_at_risk = 2'100'000'000;
  some.bytes_per_second = 23'400'000;
  some.written_per_second = 210'000'000;
  some.checkpoint_bytes = 2'340'000'000;
  some.age = minutes{12};
  some.any_generation = true;
  return some;
}

}  // namespace

TEST_CASE("times and amounts are written for people") {
  CHECK(readable(milliseconds{850}) == "850 ms");
  CHECK(readable(seconds{12}) == "12 s");
  CHECK(readable(milliseconds{12'340}) == "12.3 s");
  CHECK(readable(seconds{245}) == "4 min 5 s");
  CHECK(readable(minutes{130}) == "2 h 10 min");
  CHECK(readable_bytes(812) == "812 bytes");
  CHECK(readable_bytes(23'400'000) == "23.4 MB");
  CHECK(readable_bytes(999'999'999) == "1.0 GB");
  CHECK(readable_bytes(~std::uint64_t{0}) == "18.4 EB");
}

TEST_CASE("each verdict says its numbers, and what to do where there is something to do") {
  const auto said = [](Verdict verdict) { return verdict_text(verdict, numbers()); };
  CHECK(said(Verdict::too_long) ==
        "checkpoints: they take up to 1 min 35 s to be safe and this capacity gives 30 s of notice, 1 min 5 s too "
        "little: an interruption at the wrong moment costs the newest one; uploads run at 23.4 MB/s");
  CHECK(said(Verdict::outrun) ==
        "checkpoints: the program writes 210.0 MB/s, the link takes 23.4 MB/s: ask for a checkpoint of 2.3 GB every "
        "2 min 5 s at most");
  auto some = numbers();
  some.dirty_for = minutes{11};
  CHECK(verdict_text(Verdict::overdue, some) ==
        "checkpoints: nothing was committed for 11 min though the program wrote; 2.1 GB are not safe, the newest "
        "complete checkpoint is 12 min old; uploads run at 23.4 MB/s; ask for a checkpoint of 2.3 GB every 2 min 5 s "
        "at most");
  some.any_generation = false;
  CHECK(verdict_text(Verdict::stale, some) ==
        "checkpoints: the program has saved nothing for 12 min: there is no complete checkpoint of this attempt yet");
  some.longest = seconds{4};
  CHECK(verdict_text(Verdict::fits, some) ==
        "checkpoints: safe within 4 s of being written, and this capacity gives 30 s of notice");
  some.notice = Duration{0};
  CHECK(verdict_text(Verdict::too_long, some).find("goes without notice: for up to 4 s") != std::string::npos);
}

TEST_CASE("a recommendation says what it is worth") {
  CHECK(interval_text(minutes{9}, minutes{60}, seconds{60}, minutes{43}) ==
        "checkpoints: one every 9 min would lose least here (Young/Daly: a save takes 1 min, an instance lasts 43 min "
        "on average): 21.5 % of the time; the program saves every 1 h, which loses 71.3 %");
}
