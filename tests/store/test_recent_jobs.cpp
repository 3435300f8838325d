// Whoever asks for a job sees the database as it is, although most questions do not reach it.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "job/decide.hpp"
#include "store/recent_jobs.hpp"
#include "store/sqlite_store.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;

namespace {

const Instant kStart = from_ms(1'000'000);
const JobName kName{"a"};

job::Job new_job(const JobName& name = kName) {
  auto spec = std::make_shared<job::JobSpec>();
  spec->name = name;
  return job::create(spec, kStart).job;
}

ports::Step creation(const job::Job& job) { return {job, ports::Origin{"{}", {}}, std::nullopt, job.created, {}}; }
ports::Step next_version(job::Job job, std::uint64_t version) {
  job.version = version;
  return {job, std::nullopt, std::nullopt, kStart, {}};
}

struct FileStore {
  testing::TempDir folder;
  std::unique_ptr<ports::JobStore> store = std::move(*store::open_sqlite_store((folder / "db").string()));
};

}  // namespace

TEST_CASE("each change is seen by who asked before it") {
  const FileStore there;
  auto& store = *there.store;
  CHECK(store.find(kName).error().kind == Kind::not_found);
  const auto job = new_job();
  REQUIRE(store.commit({{creation(job)}, {}, std::nullopt}));
  REQUIRE(store.find(kName)->job.version == 1);
  REQUIRE(store.find(kName)->job.version == 1);

  REQUIRE(store.commit({{next_version(job, 2)}, {}, std::nullopt}));
  CHECK(store.find(kName)->job.version == 2);
  // Refused, because somebody else was faster: what is there stays.
  CHECK(!store.commit({{next_version(job, 4)}, {}, std::nullopt}));
  CHECK(store.find(kName)->job.version == 2);

  ports::Batch amended;
  amended.amendments.push_back({kName, {R"({"x":1})", {{"k", "v"}}}});
  REQUIRE(store.commit(amended));
  CHECK(store.find(kName)->origin.request == R"({"x":1})");
  CHECK(store.find(kName)->origin.tags.size() == 1);

  auto decided = job::decide(job, job::StopRequested{}, kStart);
  REQUIRE(decided);
  REQUIRE(store.commit({{next_version(decided->job, 3)}, {}, std::nullopt}));
  ports::Batch removal;
  removal.removed.push_back(kName);
  REQUIRE(store.commit(removal));
  CHECK(store.find(kName).error().kind == Kind::not_found);
}

TEST_CASE("what was read before a commit, or beside one, is not remembered") {
  store::RecentJobs recent;
  const auto job = std::make_shared<const ports::StoredJob>(ports::StoredJob{new_job(), {}});
  const auto other = std::make_shared<const ports::StoredJob>(ports::StoredJob{new_job(JobName{"b"}), {}});
  ports::Batch change;
  change.steps.push_back(next_version(job->job, 2));

  const auto before = recent.now();
  recent.put(other, before);
  recent.commit_begins(change);
  const auto beside = recent.now();
  recent.put(job, before);
  recent.put(job, beside);
  CHECK(!recent.find(kName));
  CHECK(recent.find(JobName{"b"}));  // the commit does not touch it
  recent.commit_ended();
  recent.put(job, before);
  recent.put(job, beside);
  CHECK(!recent.find(kName));

  recent.put(job, recent.now());
  CHECK(recent.find(kName));
  recent.commit_begins(change);
  CHECK(!recent.find(kName));  // until it has ended, only the database knows
}

TEST_CASE("beside a writer, nobody sees a version older than one that was committed or seen before") {
  const FileStore there;
  auto& store = *there.store;
  const auto job = new_job();
  REQUIRE(store.commit({{creation(job)}, {}, std::nullopt}));
  constexpr std::uint64_t kVersions = 200;
  std::atomic<std::uint64_t> newest = 1;
  std::atomic<int> went_back = 0;
  std::atomic<bool> done = false;
  constexpr std::size_t kReaders = 3;
  std::array<std::atomic<std::uint64_t>, kReaders> looks{};
  std::vector<std::thread> readers;
  for (auto& own : looks) {
    readers.emplace_back([&] {
      while (!done) {
        const auto known = newest.load();
        const auto found = store.find(kName);
        const std::uint64_t seen = found ? found->job.version : 0;
        if (seen < known) ++went_back;
        ++own;
        for (auto at_most = newest.load(); at_most < seen && !newest.compare_exchange_weak(at_most, seen);) {
        }
      }
    });
  }
  const auto wait_for_looks = [&] {
    for (auto& own : looks) {
      for (const auto before = own.load(); own == before;) std::this_thread::yield();
    }
  };
  wait_for_looks();
  bool committed = true;
  for (std::uint64_t version = 2; version <= kVersions; ++version) {
    committed = committed && store.commit({{next_version(job, version)}, {}, std::nullopt});
    for (auto known = newest.load(); known < version && !newest.compare_exchange_weak(known, version);) {
    }
  }
  wait_for_looks();
  done = true;
  for (auto& reader : readers) reader.join();
  CHECK(committed);
  CHECK(went_back == 0);
}
