// The database at every write, truncation, fsync and removal that SQLite makes on a day of the engine: the power goes
// just then, in several ways; what comes up must hold all that anybody was told, and finish the day.
#include <doctest/doctest.h>
#include <sqlite3.h>

#include <set>

#include "base/random.hpp"
#include "crash/service.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

// One operation of the disk, and the outside world as it was just before.
struct Moment {
  DiskOp op;
  Outside outside;
};

constexpr std::uint64_t kOpsToTheSecondCrash = 100;

// What the automatic checkpoint does after a thousand pages, by another connection and a little earlier.
void checkpoint(const std::string& uri) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open_v2(uri.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI, nullptr) == SQLITE_OK);
  CHECK(sqlite3_exec(database, "PRAGMA wal_checkpoint(PASSIVE)", nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close_v2(database);
}

void check_integrity(const std::string& uri) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open_v2(uri.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI, nullptr) == SQLITE_OK);
  std::string answer;
  const auto hear = [](void* to, int, char** columns, char**) {
    *static_cast<std::string*>(to) += columns[0];
    return 0;
  };
  CHECK(sqlite3_exec(database, "PRAGMA integrity_check", hear, &answer, nullptr) == SQLITE_OK);
  CHECK(answer == "ok");
  sqlite3_close_v2(database);
}

std::vector<Moment> record_a_day() {
  std::vector<Moment> moments;
  Outside outside;
  CrashDisk disk("hf-recorded", {});
  disk.on_op = [&](const DiskOp& op) { moments.push_back({op, outside}); };
  for (int part = 0; part < kParts; ++part) {
    // The end of the service closes the database, which moves the log into it and removes the log.
    Service service(disk.uri(), outside);
    play(service, outside, part);
    if (part == 1) checkpoint(disk.uri());
    if (part + 1 < kParts) continue;
    CHECK(service.secondary_status("c") == "Stopped");
    CHECK(service.secondary_status("b") == "Stopped");
    service.run_to_the_end();
  }
  CHECK(outside.launched.size() >= 5);
  return moments;
}

struct Wreck {
  DiskImage image;
  Outside outside;
};

// Comes up, is judged and runs to the end. Gives back how it looked in the middle of that, had the power gone then too.
std::optional<Wreck> come_up_again(const Wreck& wreck, std::uint64_t seed) {
  std::optional<Wreck> second;
  auto outside = wreck.outside;
  CrashDisk disk("hf-after", wreck.image);
  DiskModel model(wreck.image);
  auto ops_left = seed % kOpsToTheSecondCrash;
  disk.on_op = [&](const DiskOp& op) {
    if (second) return;
    model.apply(op);
    if (ops_left-- == 0) second = {model.after_power_loss(Loss::subset, seed), outside};
  };
  Service service(disk.uri(), outside);
  check_integrity(disk.uri());
  service.check_what_is_stored();
  service.run_to_the_end();
  return second;
}

std::uint64_t fingerprint(const DiskImage& image, const Outside& outside) {
  std::uint64_t print = mix(outside.acknowledgements, mix(outside.launches, outside.releases));
  print = mix(print, static_cast<std::uint64_t>(to_ms(outside.now)));
  for (const auto& [name, content] : image) {
    print = mix(print, std::hash<std::string>{}(name));
    print = mix(print, std::hash<std::string>{}(content));
  }
  return print;
}

}  // namespace

TEST_CASE("whatever write of the database the power goes at, all that was answered for is there and is finished") {
  const auto moments = record_a_day();
  DiskModel model({});
  std::map<DiskOp::Kind, std::size_t> boundaries;
  std::size_t losses = 0, second_losses = 0;
  std::set<std::uint64_t> seen;
  const auto lose_power = [&](const Outside& outside, std::size_t moment) {
    const std::pair<Loss, std::uint64_t> ways[] = {
        {Loss::all, 0}, {Loss::none, 0}, {Loss::prefix, moment}, {Loss::subset, moment}, {Loss::subset, ~moment}};
    for (const auto& [loss, seed] : ways) {
      auto image = model.after_power_loss(loss, seed);
      ++losses;
      if (!seen.insert(fingerprint(image, outside)).second) continue;
      CAPTURE(moment);
      CAPTURE(seed);
      const std::string left = to_string(loss);
      CAPTURE(left);
      if (const auto second = come_up_again({std::move(image), outside}, mix(moment, losses))) {
        ++second_losses;
        come_up_again(*second, 0);
      }
    }
  };
  for (std::size_t k = 0; k < moments.size(); ++k) {
    ++boundaries[moments[k].op.kind];
    model.apply(moments[k].op);
    if (moments[k].op.kind != DiskOp::Kind::create) lose_power(moments[k].outside, k);
  }
  MESSAGE("store: " << boundaries[DiskOp::Kind::write] << " writes, " << boundaries[DiskOp::Kind::sync] << " fsyncs, "
                    << boundaries[DiskOp::Kind::truncate] << " truncations, " << boundaries[DiskOp::Kind::remove]
                    << " removals; " << losses << " losses of power, " << seen.size() << " different disks recovered, "
                    << second_losses << " of them lost power again on the way");
}
