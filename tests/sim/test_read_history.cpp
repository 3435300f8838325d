// A real service's database and ledgers as a history: told in an order that can have been, and judged without alarm.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "checkpoint/hash.hpp"
#include "checkpoint/ledger.hpp"
#include "checkpoint/manifest.hpp"
#include "job/decide.hpp"
#include "objects/file_store.hpp"
#include "sim/read_history.hpp"
#include "sim/story.hpp"
#include "store/sqlite.hpp"
#include "store/sqlite_store.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using namespace holdfast::sim;
using namespace holdfast::sim::test;

namespace {

const Instant kStart = from_ms(1'700'000'000'000);
const job::Placement kPlacement{PoolId{"p"}, "t", "z", true, 30'000, 100'000};

class Lines final : public Recorder {
 public:
  void record(Record record) override { records.push_back(std::move(record)); }
  std::vector<Record> records;
};

// A service's data folder, written as the service and its agents write it.
class Data {
 public:
  Data() : store_(std::move(*store::open_sqlite_store(path(), kStart))) {
    objects_ = std::move(*objects::FileStore::open(dir_ / "objects", objects::Durability::process));
    REQUIRE(objects_->create_bucket("kept"));
  }
  std::string path() const { return (dir_ / "db").string(); }

  void create(const std::string& name, Instant at) {
    auto spec = std::make_shared<job::JobSpec>();
    spec->name = JobName{name};
    spec->spot = true;
    spec->max_wait = hours{48};
    spec->checkpoint = job::Checkpoint{"s3://kept/" + name};
    const auto job = job::create(spec, at).job;
    REQUIRE(store_->commit({{{job, ports::Origin{"{}", {}}, std::nullopt, at, {}}}, {}, std::nullopt, at}));
    jobs_[name] = job;
  }
  void decide(const std::string& name, const job::Event& event, Instant at) {
    auto decided = job::decide(jobs_.at(name), event, at);
    REQUIRE(decided);
    REQUIRE(store_->commit({{{decided->job, std::nullopt, event, at, decided->effects}}, {}, std::nullopt, at}));
    jobs_[name] = decided->job;
  }
  void run(const std::string& name, std::uint64_t fence, Instant at, std::optional<GenerationId> from = {}) {
    decide(name, job::Placed{Fence{fence}, kPlacement}, at);
    decide(name, job::InstanceUp{Fence{fence}, InstanceId{fmt::format("i-{}", fence)}}, at + seconds{1});
    decide(name, job::AgentStarted{Fence{fence}}, at + seconds{2});
    decide(name, job::ProgramStarted{Fence{fence}, from}, at + seconds{4});
  }
  void gone(const std::string& name, std::uint64_t fence, Instant at) {
    decide(name, job::InstanceGone{Fence{fence}, true, "reclaimed"}, at);
    confirm(fence, at + seconds{1});
  }
  void finish(const std::string& name, std::uint64_t fence, Instant at) {
    decide(name, job::AttemptEnded{Fence{fence}, job::Outcome::succeeded, ""}, at);
    confirm(fence, at + seconds{1});
  }
  void confirm(std::uint64_t fence, Instant at) {
    REQUIRE(store_->commit({{}, {{Fence{fence}, job::Effect{job::ReleaseInstance{}}.index()}}, std::nullopt, at}));
  }

  // The manifest of a generation with one file; sequence 0 is an opening.
  void manifest(const std::string& name, const GenerationId& id, std::optional<GenerationId> base, Instant at) {
    checkpoint::Manifest manifest{name, {id.fence, id.sequence}, at, std::nullopt, {}};
    if (base) manifest.based_on = {base->fence, base->sequence};
    if (id.sequence > 0) {
      const auto object = checkpoint::data_name({id.fence, id.sequence});
      REQUIRE(objects_->put_bytes("kept", name + "/.holdfast/" + object, "content"));
      manifest.files = {{"step", 7, checkpoint::hash_of("content"), object, 0, 0644}};
    }
    REQUIRE(
        objects_->put_bytes("kept", name + "/.holdfast/" + checkpoint::manifest_name(manifest.id), encode(manifest)));
  }
  void remove(const std::string& name, const std::string& own) {
    REQUIRE(objects_->remove("kept", name + "/.holdfast/" + own));
  }
  void quarantine(const std::string& name, const GenerationId& id) {
    REQUIRE(objects_->put_bytes("kept", name + "/.holdfast/" + checkpoint::quarantine_name({id.fence, id.sequence}),
                                "bad"));
  }
  void execute(const std::string& sql) { REQUIRE((*store::Database::open(path(), false))->execute(sql)); }

  // All that the checkers say; `up_to`: a service runs.
  std::vector<std::string> judge(std::optional<Instant> up_to = {}) {
    lines = {};
    Ending ending;
    const auto read = read_history(path(), *objects_, up_to, lines, ending);
    REQUIRE(read);
    std::vector<std::string> said;
    for (const auto& found : read->contradictions) said.push_back(found.property + ": " + found.what);
    for (const auto& checker : make_checkers()) {
      for (const auto& record : lines.records) checker->see(record);
      checker->finish(ending);
      for (const auto& found : checker->violations()) said.push_back(found.property + ": " + found.what);
    }
    notes = read->notes;
    damaged = read->figures.damaged;
    return said;
  }
  bool holds(std::optional<Instant> up_to = {}) {
    const auto said = judge(up_to);
    for (const auto& line : said) MESSAGE(line);
    return said.empty();
  }

  Lines lines;
  std::vector<std::string> notes;
  std::size_t damaged = 0;  // of the figures

 private:
  holdfast::testing::TempDir dir_;
  std::unique_ptr<ports::JobStore> store_;
  std::unique_ptr<objects::FileStore> objects_;
  std::map<std::string, job::Job> jobs_;
};

// Two attempts; the clean-up left the second's newest generations only.
void two_attempts(Data& data) {
  data.create("a", kStart);
  data.run("a", 1, kStart + seconds{1});
  for (const int i : {1, 2}) {
    data.decide("a", job::CheckpointSaved{Fence{1}, gen(1, static_cast<std::uint64_t>(i))}, kStart + minutes{i});
  }
  data.gone("a", 1, kStart + minutes{3});
  data.run("a", 2, kStart + minutes{4}, gen(1, 2));
  data.manifest("a", gen(2, 0), gen(1, 2), kStart + minutes{4} + seconds{3});
  for (const int i : {5, 6}) {
    const auto generation = gen(2, static_cast<std::uint64_t>(i));
    data.manifest("a", generation, gen(1, 2), kStart + minutes{i} - seconds{1});
    data.decide("a", job::CheckpointSaved{Fence{2}, generation}, kStart + minutes{i});
  }
}

}  // namespace

TEST_CASE("a whole life is read back, with what a clean-up removed, and no promise is broken") {
  Data data;
  two_attempts(data);
  CHECK(data.holds());
  data.finish("a", 2, kStart + minutes{7});
  CHECK(data.holds(kStart + hours{1}));
  CHECK(data.notes.empty());
}

TEST_CASE("clocks that are set back make no other order of things") {
  Data data;
  data.create("a", kStart);
  data.create("b", kStart + seconds{1});
  data.run("a", 1, kStart + hours{1});
  data.run("b", 2, kStart + seconds{5});  // the clock was set back by an hour
  data.finish("b", 2, kStart + minutes{1});
  data.finish("a", 1, kStart + minutes{2});
  CHECK(data.holds());
}

TEST_CASE("placements of one millisecond are told by their fences") {
  Data data;
  for (const char* name : {"a", "b", "c"}) data.create(name, kStart);
  data.run("c", 1, kStart + seconds{1});
  data.run("b", 2, kStart + seconds{1});
  data.run("a", 3, kStart + seconds{1});
  CHECK(data.holds());
}

TEST_CASE("what a report said late was so before") {
  Data data;
  data.create("a", kStart);
  data.run("a", 1, kStart + seconds{1});
  // The service was away: the agent committed twice, the first is gone since, and both are heard of an hour later.
  data.manifest("a", gen(1, 0), {}, kStart + seconds{4});
  data.manifest("a", gen(1, 2), {}, kStart + minutes{2});
  data.decide("a", job::CheckpointSaved{Fence{1}, gen(1, 1)}, kStart + hours{1});
  data.decide("a", job::CheckpointSaved{Fence{1}, gen(1, 2)}, kStart + hours{1});
  CHECK(data.holds());
}

TEST_CASE("a service that ended is blamed for nothing after its last word") {
  Data data;
  data.create("a", kStart);
  data.run("a", 1, kStart + seconds{1});
  CHECK(data.holds());
  const auto said = data.judge(kStart + hours{30});
  REQUIRE(said.size() == 1);
  CHECK(said.front().starts_with("P5: a: is still Training"));
}

TEST_CASE("a bucket that somebody has emptied breaks no promise") {
  Data data;
  data.create("a", kStart);
  data.run("a", 1, kStart + seconds{1});
  data.decide("a", job::CheckpointSaved{Fence{1}, gen(1, 1)}, kStart + minutes{1});
  CHECK(data.holds());
}

TEST_CASE("checkpoints that another service wrote are left out, with a note") {
  Data data;
  data.manifest("a", gen(77, 0), {}, kStart - hours{1});
  data.manifest("a", gen(77, 1), {}, kStart - hours{1});
  data.create("a", kStart);
  data.run("a", 101, kStart + seconds{1}, gen(77, 1));
  CHECK(data.holds());
  REQUIRE(data.notes.size() == 1);
  CHECK(data.notes.front().find("attempt 77") != std::string::npos);
}

TEST_CASE("a restore past a generation in quarantine is right, and past a good one is not") {
  Data data;
  data.create("a", kStart);
  data.run("a", 1, kStart + seconds{1});
  data.manifest("a", gen(1, 0), {}, kStart + seconds{4});
  for (const int i : {1, 2}) {
    const auto generation = gen(1, static_cast<std::uint64_t>(i));
    data.manifest("a", generation, {}, kStart + minutes{i} - seconds{1});
    data.decide("a", job::CheckpointSaved{Fence{1}, generation}, kStart + minutes{i});
  }
  data.gone("a", 1, kStart + minutes{3});
  SUBCASE("in quarantine") {
    // The mark's time is the file's: now, so the restore must be later.
    const Instant later = from_ms(4'000'000'000'000);
    data.quarantine("a", gen(1, 2));
    SUBCASE("as it was") {}
    SUBCASE("a clean-up has been there since, which leaves its manifest") {
      data.remove("a", checkpoint::data_name({Fence{1}, 2}));
    }
    data.run("a", 2, later, gen(1, 1));
    data.manifest("a", gen(2, 0), gen(1, 1), later + seconds{3});
    const auto said = data.judge();
    for (const auto& line : said) CHECK_MESSAGE(!line.starts_with("P3"), line);
    CHECK(data.damaged == 1);
  }
  SUBCASE("good") {
    data.run("a", 2, kStart + minutes{4}, gen(1, 1));
    data.manifest("a", gen(2, 0), gen(1, 1), kStart + minutes{4} + seconds{3});
    const auto said = data.judge();
    REQUIRE(said.size() == 1);
    CHECK(said.front() == "P3: a: attempt 2 restored 1-1, but the newest generation that counts is 1-2");
  }
}

TEST_CASE("a database of the first schema has no instances to judge") {
  Data data;
  two_attempts(data);
  data.execute("DROP TABLE leases; DROP TABLE starts; DROP TABLE algorithms; PRAGMA user_version = 1");
  CHECK(data.holds());
}

TEST_CASE("what somebody did to the rows is noticed") {
  Data data;
  two_attempts(data);
  data.finish("a", 2, kStart + minutes{7});
  SUBCASE("a row that cannot be read") {
    data.execute("UPDATE events SET event = '{}' WHERE version = 3");
    CHECK(data.judge().front().starts_with("P10: a: version 3: reading a stored event"));
  }
  SUBCASE("a job that the service would not find again") {
    data.execute("UPDATE jobs SET live = 1");
    CHECK(data.judge().front() == "P1: a: live is 'yes' in the list of jobs, but 'no' in itself");
  }
  SUBCASE("fences in an order that cannot be") {
    data.execute("UPDATE events SET event = replace(event, '\"fence\":2', '\"fence\":0')");
    CHECK(!data.judge().empty());
  }
  SUBCASE("the newest generation is gone") {
    data.remove("a", checkpoint::manifest_name({Fence{2}, 6}));
    CHECK(data.judge().front() == "P4: a: generation 2-6 was announced, but is not in the store");
  }
  SUBCASE("a file of it is gone") {
    data.remove("a", checkpoint::data_name({Fence{2}, 6}));
    CHECK(data.judge().front().starts_with("P3: a: generation 2-6 is in the ledger, but its files"));
  }
  SUBCASE("an instance that nobody ended") {
    data.execute("UPDATE leases SET gone_ms = NULL WHERE fence = 1");
    CHECK(data.judge().front().starts_with("P7: a: instance i-1 outlives its attempt 1"));
  }
}
