#include "store/sqlite_status_feed.hpp"

#include <doctest/doctest.h>

#include "job/decide.hpp"
#include "store/sqlite_store.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;

namespace {

const Instant kStart = from_ms(1'000'000);

job::Job new_job(const std::string& name) {
  auto spec = std::make_shared<job::JobSpec>();
  spec->name = JobName{name};
  spec->arn = "arn:" + name;
  spec->spot = true;
  spec->max_wait = hours{2};
  return job::create(spec, kStart).job;
}

struct Place {
  testing::TempDir directory;
  std::string path = (directory.path() / "db").string();
  std::unique_ptr<ports::JobStore> store = std::move(*store::open_sqlite_store(path));
  std::unique_ptr<ports::StatusFeed> feed = std::move(*store::open_sqlite_status_feed(path));

  void create(const job::Job& job) {
    REQUIRE(
        store->commit({{{job, ports::Origin{"{}", {{"k", "v"}}}, std::nullopt, job.created, {}}}, {}, std::nullopt}));
  }
  job::Job decide(const job::Job& before, const job::Event& event) {
    auto decided = job::decide(before, event, kStart + seconds{1});
    REQUIRE(decided);
    REQUIRE(store->commit(
        {{{decided->job, std::nullopt, event, kStart + seconds{1}, decided->effects}}, {}, std::nullopt}));
    return decided->job;
  }
};

}  // namespace

TEST_CASE("nothing is kept while nobody listens") {
  Place place;
  place.create(new_job("a"));
  CHECK(place.feed->after(0, 10)->empty());
  REQUIRE(place.feed->listen({"x"}));
  CHECK(place.feed->after(0, 10)->empty());
  CHECK(place.feed->told("nobody").error().kind == Kind::not_found);
}

TEST_CASE("each change of status is told in order, as the job was then, and other decisions are not") {
  Place place;
  REQUIRE(place.feed->listen({"x"}));
  const auto job = new_job("a");
  place.create(job);
  // Still Starting.
  const auto placed = place.decide(job, job::Placed{Fence{7}, {PoolId{"p"}, "ml.m5.large", "z", true, 3, 10}});
  CHECK(place.feed->after(0, 10)->size() == 1);
  // Stopping and Stopped, or Stopping alone: whatever the decision passed through.
  const auto stopped = place.decide(placed, job::StopRequested{});
  const auto changes = place.feed->after(0, 10);
  REQUIRE(changes);
  REQUIRE(changes->size() == 2);
  CHECK((*changes)[0].number < (*changes)[1].number);
  CHECK((*changes)[0].transitions_before == 0);
  CHECK((*changes)[0].job.job.version == job.version);
  CHECK((*changes)[0].job.origin.tags == ports::Tags{{"k", "v"}});
  CHECK((*changes)[1].transitions_before == 1);
  CHECK((*changes)[1].job.job.transitions.size() == stopped.transitions.size());
  CHECK((*changes)[1].job.job.spec->name.value == "a");
}

TEST_CASE("a change is kept until everybody was told of it, over restarts") {
  Place place;
  REQUIRE(place.feed->listen({"x", "y"}));
  place.create(new_job("a"));
  place.create(new_job("b"));
  const auto changes = *place.feed->after(0, 10);
  REQUIRE(changes.size() == 2);
  REQUIRE(place.feed->tell("x", changes[1].number));
  CHECK(place.feed->after(0, 10)->size() == 2);
  REQUIRE(place.feed->tell("y", changes[0].number));
  CHECK(place.feed->after(0, 10)->size() == 1);

  place.feed = std::move(*store::open_sqlite_status_feed(place.path));
  CHECK(*place.feed->told("y") == changes[0].number);
  // Who does not listen any more holds nothing back; who is new is not told of the past.
  REQUIRE(place.feed->listen({"x", "z"}));
  CHECK(place.feed->after(0, 10)->empty());
  CHECK(*place.feed->told("z") == changes[1].number);
  CHECK(place.feed->told("y").error().kind == Kind::not_found);
}

TEST_CASE("a change whose decision was not committed is not told") {
  Place place;
  REQUIRE(place.feed->listen({"x"}));
  const auto job = new_job("a");
  place.create(job);
  CHECK_FALSE(place.store->commit({{{job, ports::Origin{"{}", {}}, std::nullopt, job.created, {}}}, {}, std::nullopt}));
  CHECK(place.feed->after(0, 10)->size() == 1);
}
