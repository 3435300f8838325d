#include <doctest/doctest.h>

#include <filesystem>

#include "base/random.hpp"
#include "job/decide.hpp"
#include "store/history_reader.hpp"
#include "store/schema.hpp"
#include "store/sqlite.hpp"
#include "store/sqlite_store.hpp"

using namespace holdfast;

namespace {

struct TempDir {
  std::filesystem::path path;
  TempDir() {
    SystemRandom random;
    path = std::filesystem::temp_directory_path() / ("holdfast-store-" + random_hex(random, 12));
    std::filesystem::create_directories(path);
  }
  ~TempDir() { std::filesystem::remove_all(path); }
};

job::Job new_job(const std::string& name, Instant created) {
  auto spec = std::make_shared<job::JobSpec>();
  spec->name = JobName{name};
  spec->arn = "arn:" + name;
  spec->spot = true;
  spec->hyperparameters = {{"epochs", "3"}};
  spec->max_wait = hours{2};
  return job::create(spec, created).job;
}

ports::Step creation(const job::Job& job) {
  return {job, ports::Origin{"{\"x\":1}", {{"k", "v"}}}, std::nullopt, job.created, {}};
}

ports::Step decision(const job::Job& before, const job::Event& event, Instant at) {
  auto decided = job::decide(before, event, at);
  REQUIRE(decided);
  return {decided->job, std::nullopt, event, at, decided->effects};
}

const Instant kStart = from_ms(1'000'000);

}  // namespace

TEST_CASE("what is committed is there after the file was closed and opened again") {
  const TempDir dir;
  const auto path = (dir.path / "db").string();
  const auto job = new_job("a", kStart);
  {
    auto store = std::move(*store::open_sqlite_store(path));
    REQUIRE(store->commit({{creation(job)}, {}, std::nullopt}));
    const auto placed =
        decision(job, job::Placed{Fence{7}, {PoolId{"p"}, "ml.m5.large", "z", true, 3, 10}}, kStart + seconds{1});
    REQUIRE(store->commit({{placed}, {}, Fence{7}}));
  }
  auto store = std::move(*store::open_sqlite_store(path));
  const auto live = store->live_jobs();
  REQUIRE(live);
  REQUIRE(live->size() == 1);
  CHECK(live->front().version == 2);
  CHECK(live->front().spec->hyperparameters.at("epochs") == "3");
  REQUIRE(std::holds_alternative<job::Launching>(live->front().state));
  CHECK(std::get<job::Launching>(live->front().state).attempt.placement.on_demand_per_hour == 10);
  const auto effects = store->pending_effects();
  REQUIRE(effects->size() == 1);
  CHECK(std::holds_alternative<job::LaunchInstance>(effects->front().effect));
  CHECK(store->highest_fence()->value == 7);
  const auto found = store->find(JobName{"a"});
  REQUIRE(found);
  CHECK(found->origin.request == "{\"x\":1}");
  CHECK(found->origin.tags.front().second == "v");
  CHECK(store->history(JobName{"a"})->size() == 1);
}

TEST_CASE("a batch is all or nothing, and a version that moved is a conflict") {
  auto store = std::move(*store::open_sqlite_store(":memory:"));
  const auto a = new_job("a", kStart);
  REQUIRE(store->commit({{creation(a)}, {}, std::nullopt}));
  const auto step = decision(a, job::StopRequested{}, kStart + seconds{1});
  const auto taken = store->commit({{creation(new_job("b", kStart)), creation(a)}, {}, std::nullopt});
  REQUIRE(!taken);
  CHECK(taken.error().kind == Kind::conflict);
  CHECK(!*store->exists(JobName{"b"}));
  REQUIRE(store->commit({{step}, {}, std::nullopt}));
  const auto stale = store->commit({{step}, {}, std::nullopt});
  REQUIRE(!stale);
  CHECK(stale.error().kind == Kind::conflict);
  CHECK(store->live_jobs()->empty());
}

TEST_CASE("effects are kept until they are done, each once") {
  auto store = std::move(*store::open_sqlite_store(":memory:"));
  const auto a = new_job("a", kStart);
  auto placed = decision(a, job::Placed{Fence{1}, {}}, kStart);
  REQUIRE(store->commit({{creation(a), placed}, {}, Fence{1}}));
  REQUIRE(store->pending_effects()->size() == 1);
  REQUIRE(store->commit({{}, {{Fence{1}, placed.effects.front().index()}}, std::nullopt}));
  CHECK(store->pending_effects()->empty());
}

TEST_CASE("lists filter, sort, and go on where they left off even when jobs come in between") {
  auto store = std::move(*store::open_sqlite_store(":memory:"));
  const auto add = [&](const std::string& name, int at) {
    REQUIRE(store->commit({{creation(new_job(name, kStart + seconds{at}))}, {}, std::nullopt}));
  };
  for (int i = 0; i < 25; ++i) add(fmt::format("job-{:02}", i), i);
  ports::ListQuery query;
  query.limit = 10;
  std::vector<std::string> seen;
  for (int page = 0;; ++page) {
    const auto result = store->list(query);
    REQUIRE(result);
    for (const auto& job : result->jobs) seen.push_back(job.name.value);
    if (page == 0) add("newest", 100);
    if (!result->next) break;
    query.after = result->next;
  }
  REQUIRE(seen.size() == 25);
  CHECK(seen.front() == "job-24");
  CHECK(seen.back() == "job-00");

  ports::ListQuery filtered;
  filtered.name_contains = "b-1";
  filtered.sort_by = ports::SortBy::name;
  filtered.ascending = true;
  filtered.created_after = kStart + seconds{11};
  filtered.created_before = kStart + seconds{15};
  const auto some = store->list(filtered);
  REQUIRE(some->jobs.size() == 3);
  CHECK(some->jobs.front().name.value == "job-12");
  CHECK(some->jobs.front().primary == "InProgress");
}

TEST_CASE("a database of a newer version or of something else is refused with words") {
  const TempDir dir;
  const auto path = dir.path / "db";
  std::filesystem::create_directory(path);
  CHECK(!store::open_sqlite_store(path.string()));
  CHECK(!store::open_sqlite_store((dir.path / "missing" / "db").string()));
}

TEST_CASE("what becomes of an instance is kept from the request to the last word") {
  const TempDir dir;
  const auto path = (dir.path / "db").string();
  auto store = std::move(*store::open_sqlite_store(path, kStart));
  const auto a = new_job("a", kStart);
  const auto placed =
      decision(a, job::Placed{Fence{7}, {PoolId{"p"}, "ml.m5.large", "z", true, 3, 10}}, kStart + seconds{1});
  const auto up = decision(placed.job, job::InstanceUp{Fence{7}, InstanceId{"i-7"}}, kStart + seconds{2});
  const auto gone = decision(up.job, job::InstanceGone{Fence{7}, true, "reclaimed"}, kStart + seconds{3});
  REQUIRE(store->commit({{creation(a), placed, up}, {}, Fence{7}}));
  REQUIRE(store->commit({{gone}, {}, std::nullopt}));
  const auto read = [&] {
    const auto reader = store::HistoryReader::open(path);
    REQUIRE(reader);
    const auto leases = (*reader)->leases();
    REQUIRE(leases->size() == 1);
    return leases->front();
  };
  CHECK(read().job.value == "a");
  CHECK(read().spot);
  CHECK(read().on_demand_per_hour == 10);
  CHECK(read().requested == kStart + seconds{1});
  CHECK(read().instance.value == "i-7");
  CHECK(read().up == kStart + seconds{2});
  CHECK(read().release_asked == kStart + seconds{3});
  CHECK(!read().gone);
  // What the provider says twice changes nothing.
  for (const int second : {4, 5}) {
    REQUIRE(
        store->commit({{}, {{Fence{7}, job::Effect{job::ReleaseInstance{}}.index()}}, {}, kStart + seconds{second}}));
  }
  CHECK(read().gone == kStart + seconds{4});
}

TEST_CASE("a database of the first schema is brought up to date with all that is in it") {
  const TempDir dir;
  const auto path = (dir.path / "db").string();
  const auto a = new_job("a", kStart);
  {
    auto store = std::move(*store::open_sqlite_store(path));
    REQUIRE(store->commit({{creation(a)}, {}, std::nullopt}));
    auto database = std::move(*store::Database::open(path, false));
    REQUIRE(database->execute(
        "DROP TRIGGER first_status; DROP TRIGGER next_status; DROP TABLE listeners; DROP TABLE status_changes; "
        "DROP TABLE leases; DROP TABLE starts; DROP TABLE algorithms; PRAGMA user_version = 1"));
  }
  {
    const auto before = store::HistoryReader::open(path);
    REQUIRE(before);
    CHECK((*before)->schema() == 1);
    CHECK((*before)->leases()->empty());
    CHECK((*before)->jobs()->size() == 1);
  }
  auto store = std::move(*store::open_sqlite_store(path, kStart + hours{1}));
  const auto placed = decision(a, job::Placed{Fence{1}, {}}, kStart + seconds{1});
  REQUIRE(store->commit({{placed}, {}, Fence{1}}));
  const auto after = store::HistoryReader::open(path);
  REQUIRE(after);
  CHECK((*after)->schema() == store::kSchemaVersion);
  CHECK((*after)->leases()->size() == 1);
  CHECK((*after)->events()->size() == 1);
  CHECK(*(*after)->starts() == std::vector{kStart + hours{1}});
}

TEST_CASE("whoever reads the past sees one moment of it") {
  const TempDir dir;
  const auto path = (dir.path / "db").string();
  auto store = std::move(*store::open_sqlite_store(path));
  REQUIRE(store->commit({{creation(new_job("a", kStart))}, {}, std::nullopt}));
  const auto reader = store::HistoryReader::open(path);
  REQUIRE(reader);
  REQUIRE(store->commit({{creation(new_job("b", kStart))}, {}, std::nullopt}));
  CHECK((*reader)->jobs()->size() == 1);
  CHECK(!store::HistoryReader::open((dir.path / "missing").string()));
}

TEST_CASE("what the user gave with a job is replaced without touching the job") {
  auto store = std::move(*store::open_sqlite_store(":memory:"));
  REQUIRE(store->commit({{creation(new_job("a", kStart))}, {}, std::nullopt}));
  const auto before = store->find(JobName{"a"});
  ports::Batch batch;
  batch.amendments = {{JobName{"a"}, {R"({"x":1})", {{"team", "blue"}}}}};
  REQUIRE(store->commit(batch));
  const auto after = store->find(JobName{"a"});
  CHECK(after->origin.request == R"({"x":1})");
  CHECK(after->origin.tags == ports::Tags{{"team", "blue"}});
  CHECK(after->job.version == before->job.version);
  batch.amendments[0].job = JobName{"nobody"};
  CHECK(store->commit(batch).error().kind == Kind::conflict);
}

TEST_CASE("a removed job leaves nothing, and another may have its name") {
  const TempDir dir;
  const auto path = (dir.path / "db").string();
  auto store = std::move(*store::open_sqlite_store(path));
  const auto a = new_job("a", kStart);
  const auto placed = decision(a, job::Placed{Fence{7}, {}}, kStart + seconds{1});
  const auto stopped = decision(placed.job, job::StopRequested{}, kStart + seconds{2});
  REQUIRE(store->commit({{creation(a), creation(new_job("b", kStart)), placed}, {}, Fence{7}}));
  ports::Batch removal;
  removal.removed = {JobName{"a"}};
  CHECK(store->commit(removal).error().kind == Kind::conflict);  // it has not ended
  REQUIRE(store->commit({{stopped}, {}, std::nullopt}));
  REQUIRE(job::is_ended(stopped.job));
  REQUIRE(store->commit(removal));
  CHECK(store->find(JobName{"a"}).error().kind == Kind::not_found);
  CHECK(store->history(JobName{"a"})->empty());
  CHECK((*store::HistoryReader::open(path))->leases()->empty());
  CHECK(store->highest_fence() == Fence{7});
  REQUIRE(store->commit({{creation(a), placed}, {}, Fence{8}}));
  CHECK(store->history(JobName{"a"})->size() == 1);
}

TEST_CASE("all jobs are looked through by name, a page at a time") {
  auto store = std::move(*store::open_sqlite_store(":memory:"));
  for (const char* name : {"c", "a", "d", "b"})
    REQUIRE(store->commit({{creation(new_job(name, kStart))}, {}, std::nullopt}));
  std::string names;
  JobName after;
  for (;;) {
    const auto rows = store->scan(after, 3);
    REQUIRE(rows);
    if (rows->empty()) break;
    for (const auto& row : *rows) names += row.summary.name.value;
    after = rows->back().summary.name;
  }
  CHECK(names == "abcd");
  const auto row = store->scan(JobName{"c"}, 1)->front();
  CHECK(row.summary.primary == "InProgress");
  CHECK(row.job.starts_with("{"));
  CHECK(row.spec.starts_with("{"));
}
