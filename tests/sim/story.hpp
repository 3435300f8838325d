// Tells histories for the checkers' tests: what happens to jobs, in order, with the decisions that follow from it. A
// story that is told straight breaks no promise; a test bends one thing and looks who notices.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/checker.hpp"

namespace holdfast::sim::test {

struct JobOptions {
  bool spot = true;
  Duration max_runtime{hours{10}};
  Duration max_wait{hours{20}};
  std::string checkpoint = "s3://bucket/a";  // empty: none
  int max_retries = 0;
};

class Story {
 public:
  Story();

  // ---- time
  Story& wait(Duration duration);
  Story& set_clock(Duration offset);  // the service's, ahead of true time

  // ---- one record each
  Story& tell(What what);  // anything, now
  // decide() on it, as the service would, and what came of it; it must not be ignored.
  Story& decide(const std::string& job, const job::Event& event);

  // ---- several at once, as they come in a good life
  Story& create(const std::string& job, const JobOptions& options = {});  // decided, then accepted
  Story& lease(const std::string& job, std::uint64_t fence);              // placed, an instance, its agent
  Story& lease_begins(const std::string& job, std::uint64_t fence, const std::string& instance = {});
  Story& lease_ends(const std::string& job, std::uint64_t fence, LeaseEnded::Why why, const std::string& instance = {});
  // The ledger is opened, the files come, the program begins and finds them.
  Story& begin(const std::string& job, std::uint64_t fence, std::optional<GenerationId> from = {},
               std::uint64_t step = 0);
  Story& open(const std::string& job, std::uint64_t fence, std::optional<GenerationId> from = {});
  Story& program(const std::string& job, std::uint64_t fence, std::optional<GenerationId> from = {},
                 std::uint64_t step = 0);
  Story& store(const std::string& job, std::uint64_t fence, std::uint64_t sequence, std::uint64_t step);
  Story& save(const std::string& job, std::uint64_t fence, std::uint64_t sequence, std::uint64_t step);  // and say so
  Story& lose(const std::string& job, std::uint64_t fence);    // the instance is reclaimed under the program
  Story& finish(const std::string& job, std::uint64_t fence);  // the program, the upload, the attempt, the lease
  Story& describe(const std::string& job);
  Story& stop(const std::string& job);  // decided and acknowledged

  // ---- bending
  Story& bend(const std::function<void(job::Job&)>& change);  // what the last decision stored
  Story& drop_last();                                         // record
  template <class R>
  R& last() {  // the last record of that kind
    for (auto record = records.rbegin(); record != records.rend(); ++record) {
      if (auto* found = std::get_if<R>(&record->what)) return *found;
    }
    throw std::logic_error("there is no such record");
  }

  const job::Job& job(const std::string& name) const { return *jobs.at(JobName{name}); }
  Instant now() const { return now_; }

  std::vector<Record> records;
  std::map<JobName, std::shared_ptr<const job::Job>> jobs;  // as stored
  bool complete = true;

 private:
  void decided(const std::string& job, std::optional<job::Event> event, job::Job after);

  Instant now_;
  Duration offset_{0};
  std::map<std::uint64_t, std::optional<GenerationId>> bases_;  // by fence, as told last
};

// What the checkers say of the whole story, as "P1: ..." lines.
std::vector<std::string> judge(const Story& story);
// Nobody has anything to say. Prints what was said otherwise.
bool holds(const Story& story);
// That property is violated, in words that contain `words`. Prints what was said otherwise.
bool catches(const Story& story, const std::string& property, const std::string& words);

GenerationId gen(std::uint64_t fence, std::uint64_t sequence);

// Job "a", or another: created, and one hour of work of attempt 1: step 10 in generation 1-1, step 20 in 1-2.
Story one_hour(const std::string& job = "a");

}  // namespace holdfast::sim::test
