// The files that hold a state of their own: each is the old one or the new one, whenever the power goes.
#include <doctest/doctest.h>

#include <algorithm>

#include "aws/credentials.hpp"
#include "base/file.hpp"
#include "base/random.hpp"
#include "capacity/instance_dir.hpp"
#include "capacity/local_provider.hpp"
#include "crash/every_loss.hpp"
#include "support/manual_clock.hpp"

using namespace holdfast;
using namespace holdfast::testing;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kLimit = 1 << 20;

// The versions of a file in their order, and behind which operation each was answered for.
struct Versions {
  std::vector<std::string> texts;
  std::vector<std::size_t> answered;

  // Before the k-th operation: the last one answered for, or the next, which is being written.
  void check(const Result<std::string>& found, std::size_t k) const {
    const auto done = static_cast<std::size_t>(std::ranges::count_if(answered, [&](auto at) { return at <= k; }));
    if (!found) {
      CHECK_MESSAGE(found.error().kind == Kind::not_found, found.error().message);
      CHECK_MESSAGE(done == 0, "the file is gone");
      return;
    }
    const bool last = done > 0 && *found == texts[done - 1];
    const bool next = done < texts.size() && *found == texts[done];
    CHECK_MESSAGE((last || next), "the file holds what it cannot: " << found->substr(0, 40));
  }
};

}  // namespace

TEST_CASE("a file that is written atomically is the old one or the new one, and the new one once that is answered") {
  const TempDir disk;
  FileRecorder recorder(disk.path());
  Versions versions;
  for (const auto& text : {std::string("first"), std::string(3000, 's'), std::string("third")}) {
    versions.texts.push_back(text);
    REQUIRE(write_file_atomically(disk / "file", text));
    versions.answered.push_back(recorder.ops.size());
  }
  const auto disks = for_every_loss(recorder.ops, 0, [&](const fs::path& left, std::size_t k) {
    versions.check(read_file(left / "file", kLimit), k);
  });
  MESSAGE("write_file_atomically: " << recorder.ops.size() << " operations (" << counts_of(recorder.ops) << "), "
                                    << disks << " disks read");
}

TEST_CASE("directories that are made to last are there once that is answered, whoever made them before") {
  for (std::size_t deaths = 0; deaths < 8; ++deaths) {
    const TempDir disk;
    FileRecorder recorder(disk.path());
    recorder.die_at = deaths;
    static_cast<void>(make_durable_directories(disk / "a/b/c"));
    recorder.die_at.reset();
    REQUIRE(make_durable_directories(disk / "a/b/c"));
    for_every_loss(recorder.ops, recorder.ops.size(),
                   [&](const fs::path& left, std::size_t) { CHECK(fs::is_directory(left / "a/b/c")); });
  }
}

TEST_CASE("credentials are the old ones or the new ones, and never half") {
  const TempDir disk;
  FileRecorder recorder(disk.path());
  SeededRandom random(1);
  Versions secrets;
  for (int i = 0; i < 2; ++i) {
    const auto made = aws::make_credentials(random);
    secrets.texts.push_back(made.access_key + made.secret);
    REQUIRE(aws::write_credentials(disk / "credentials", made));
    secrets.answered.push_back(recorder.ops.size());
  }
  const auto disks = for_every_loss(recorder.ops, 0, [&](const fs::path& left, std::size_t k) {
    const auto found = aws::read_credentials(left / "credentials");
    secrets.check(found ? Result<std::string>(found->access_key + found->secret) : fail(found.error()), k);
  });
  MESSAGE("credentials: " << recorder.ops.size() << " operations, " << disks << " disks read");
}

// They are not synced: with the machine the instance is gone too. But what comes up must not mistake them.
TEST_CASE("the directory of an instance says the truth or nothing after a loss of power, and the slot is free") {
  const TempDir disk;
  FileRecorder recorder(disk.path());
  REQUIRE(make_directories(disk / "instances"));
  const capacity::InstanceDir dir(disk / "instances", Fence{42});
  const capacity::InstanceRecord record{.fence = Fence{42},
                                        .job = JobName{std::string(63, 'j')},
                                        .placement = {PoolId{"*/local/spot"}, "ml.m5.large", "local", true, 3, 10},
                                        .gpus = std::vector<std::string>(40, "/dev/nvidia0")};
  REQUIRE(dir.create(record, std::string(2000, 'a')));
  const Instant deadline = from_ms(1'700'000'000'000);
  REQUIRE(dir.write_notice(deadline));
  dir.remove_assignment();
  const auto disks = for_every_loss(recorder.ops, 0, [&](const fs::path& left, std::size_t) {
    const capacity::InstanceDir found(left / "instances", Fence{42});
    if (const auto read = found.record()) {
      CHECK(read->fence == record.fence);
      CHECK(read->job == record.job);
      CHECK(read->gpus == record.gpus);
    }
    if (const auto notice = found.notice()) CHECK(*notice == deadline);
    ManualClock clock;
    capacity::LocalProviderOptions options;
    options.directory = left / "instances";
    options.agent_command = {"/bin/true"};
    options.spot_slots = 1;
    const auto provider = capacity::LocalProvider::open(std::move(options), clock);
    REQUIRE_MESSAGE(provider, (provider ? "" : provider.error().message));
    CHECK((*provider)->list()->empty());
    CHECK((*provider)->offers(clock.now()).front().free_slots == 1);
  });
  MESSAGE("instance directory: " << recorder.ops.size() << " operations (" << counts_of(recorder.ops) << "), " << disks
                                 << " disks opened");
}
