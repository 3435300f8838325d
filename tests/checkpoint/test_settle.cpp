#include "checkpoint/settle.hpp"

#include <doctest/doctest.h>

#include "checkpoint/transfer_plan.hpp"

using namespace holdfast;
using namespace holdfast::checkpoint;

namespace {

const SettleOptions kOptions;
const Instant kStart = from_ms(1'000'000);

FileWatch changed_at(Instant at) { return {.changed_at = at, .unsettled_since = at}; }
FileWatch renamed_at(Instant at) { return {.changed_at = at, .unsettled_since = at, .renamed_into_place = true}; }
DirectoryState changed(std::vector<FileWatch> files) {
  return {.changed = std::move(files), .unchanged = {}, .removed = 0, .removed_at = {}};
}

}  // namespace

TEST_CASE("a file settles when it has been quiet, and closed") {
  auto file = changed_at(kStart);
  CHECK_FALSE(is_settled(file, kStart + milliseconds{499}, kOptions));
  CHECK(is_settled(file, kStart + milliseconds{500}, kOptions));
  note_open(file, kStart + seconds{1}, true, false, kOptions);
  CHECK_FALSE(is_settled(file, kStart + seconds{60}, kOptions));
  note_open(file, kStart + seconds{60}, false, false, kOptions);
  CHECK_FALSE(is_settled(file, kStart + seconds{60}, kOptions));
  CHECK(is_settled(file, kStart + milliseconds{60'500}, kOptions));
}

TEST_CASE("a file that is open at every look is restless only if it never rested in between") {
  const auto seen_open_every = [](Duration gap, bool was_whole) {
    FileWatch file{.changed_at = kStart, .unsettled_since = kStart};
    Instant now = kStart;
    for (; now < kStart + 3 * kOptions.restless_after; now += gap) {
      note_change(file, now, false, kOptions);
      note_open(file, now, true, may_have_rested(gap, was_whole, kOptions), kOptions);
    }
    return is_restless(file, now, kOptions);
  };
  CHECK(seen_open_every(seconds{1}, false));          // a log
  CHECK(seen_open_every(kOptions.quiet / 5, true));   // a log that is opened for each line
  CHECK_FALSE(seen_open_every(seconds{1}, true));     // saved again at each look
  CHECK_FALSE(seen_open_every(seconds{300}, false));  // nobody watched it
}

TEST_CASE("a file that never settles is restless after long, and no more once it rests") {
  auto file = changed_at(kStart);
  for (auto now = kStart; now < kStart + minutes{11}; now += milliseconds{400}) {
    note_change(file, now, false, kOptions);
    CHECK(is_restless(file, now, kOptions) == (now - kStart >= kOptions.restless_after));
  }
  CHECK_FALSE(is_restless(file, kStart + minutes{12}, kOptions));
  note_change(file, kStart + minutes{12}, false, kOptions);
  CHECK_FALSE(is_restless(file, kStart + minutes{12}, kOptions));
}

TEST_CASE("the directory is quiet when nothing has changed for a while and nothing is open") {
  auto state = changed({changed_at(kStart), changed_at(kStart + seconds{1})});
  CHECK_FALSE(is_quiet(state, kStart + milliseconds{1499}, kOptions));
  CHECK(is_quiet(state, kStart + milliseconds{1500}, kOptions));
  CHECK(quiet_at(state, kOptions) == kStart + milliseconds{1500});
  state.unchanged.push_back(changed_at({}));
  state.unchanged.back().open = true;
  CHECK_FALSE(is_quiet(state, kStart + seconds{10}, kOptions));
}

TEST_CASE("a generation that would only take files away waits longer") {
  DirectoryState state{.changed = {}, .unchanged = {changed_at({})}, .removed = 1, .removed_at = kStart};
  CHECK_FALSE(is_quiet(state, kStart + seconds{9}, kOptions));
  CHECK(is_quiet(state, kStart + seconds{10}, kOptions));
  state.changed.push_back(changed_at(kStart));
  CHECK(is_quiet(state, kStart + seconds{1}, kOptions));
}

TEST_CASE("after a death by signal, what had been quiet before is as good as ever") {
  const auto state = changed({changed_at(kStart), changed_at(kStart)});
  CHECK(is_complete_at_death(state, kStart + milliseconds{500}, 2, kOptions));
  CHECK_FALSE(is_complete_at_death(state, kStart + milliseconds{499}, 2, kOptions));
}

TEST_CASE("a file closed by the death is torn, one renamed into place just before is not") {
  const auto died = kStart;
  CHECK_FALSE(is_complete_at_death(changed({changed_at(died)}), died, 1, kOptions));
  CHECK(is_complete_at_death(changed({renamed_at(died)}), died, 1, kOptions));
  auto open = renamed_at(died - seconds{5});
  open.open = true;
  CHECK_FALSE(is_complete_at_death(changed({open}), died, 1, kOptions));
}

TEST_CASE("one renamed file of several is no checkpoint") {
  const auto died = kStart;
  CHECK_FALSE(is_complete_at_death(changed({renamed_at(died), renamed_at(died)}), died, 1, kOptions));
  // Whether it writes more than one is not known before its first checkpoint.
  CHECK_FALSE(is_complete_at_death(changed({renamed_at(died)}), died, 0, kOptions));
  // The program wrote two files for its last checkpoint; only one of the next has arrived.
  CHECK_FALSE(is_complete_at_death(changed({renamed_at(died)}), died, 2, kOptions));
}

TEST_CASE("a file seen open after its rename was not complete when it was renamed") {
  auto file = renamed_at(kStart);
  note_open(file, kStart, true, false, kOptions);
  note_open(file, kStart, false, false, kOptions);
  CHECK_FALSE(file.renamed_into_place);
}

TEST_CASE("only what changed is uploaded, and deletions are known") {
  const FileIdentity same{.device = 1, .inode = 2, .size = 3, .mtime_ns = 4, .ctime_ns = 5};
  auto touched = same;
  touched.mtime_ns = 9;
  const ManifestFile a{.path = "a", .object = "o1"}, b{.path = "b", .object = "o2"}, c{.path = "c", .object = "o3"};
  const ManifestFile elsewhere{.path = "e", .object = "o5"}, e{.path = "e", .object = "o4"}, z{.path = "z"};
  const std::vector<LocalFile> local{{"a", same}, {"b", touched}, {"d", same}, {"e", same}};
  const std::map<std::string, UploadedFile> uploaded{
      {"a", {same, a}}, {"aa", {same, a}}, {"b", {same, b}}, {"e", {same, e}}};
  const auto plan = plan_transfer({&local[0], &local[1], &local[2], &local[3]}, uploaded, {a, b, c, elsewhere, z});
  REQUIRE(plan.upload.size() == 2);
  CHECK(plan.upload[0].path == "b");
  CHECK(plan.upload[1].path == "d");
  REQUIRE(plan.stored.size() == 2);
  CHECK(*plan.stored[0] == a);
  CHECK(*plan.stored[1] == e);
  CHECK(plan.unchanged == std::vector<bool>{true, false, false, false});
  CHECK(plan.deleted == std::vector<std::string>{"c", "z"});
}
