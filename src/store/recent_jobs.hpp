// The jobs that were asked for last, as they stand in the database: clients poll, and most of the time of a question
// would go into reading and decoding again what has not changed.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "base/lru.hpp"
#include "ports/job_store.hpp"

namespace holdfast::store {

// Together 16 MiB at most, as stored. A job that is longer is read each time.
constexpr std::size_t kMaxRecentJobs = 512;
constexpr std::size_t kMaxRecentJobBytes = 32 * 1024;

// Thread-safe. Its mutex is held for no input or output, so whoever commits does not wait for those who read.
//
// It never says anything else than the database: what a commit will change is taken out before, and until that commit
// has ended nothing is put in, nor what somebody began to read before.
class RecentJobs {
 public:
  // Null: it is not here. Shared, so that nobody else waits while it is copied.
  std::shared_ptr<const ports::StoredJob> find(const JobName& name);

  // To be had before reading a job that is not here, and handed to put().
  using Moment = std::uint64_t;
  Moment now();
  void put(const std::shared_ptr<const ports::StoredJob>& job, Moment read_since);

  // Around every change of the database; after it even when it failed.
  void commit_begins(const ports::Batch& batch);
  void commit_ended();

 private:
  std::mutex mutex_;
  Moment moment_ = 0;  // odd while a commit is under way
  Lru<JobName, std::shared_ptr<const ports::StoredJob>> jobs_{kMaxRecentJobs};
};

}  // namespace holdfast::store
