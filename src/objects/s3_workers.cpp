#include "objects/s3_workers.hpp"

#include <algorithm>
#include <optional>

namespace holdfast::objects {

struct Workers::Job {
  Job(const Work& what, std::size_t how_often) : work(what), count(how_often) {}
  const Work& work;
  const std::size_t count;
  std::mutex mutex;
  std::condition_variable left;
  std::size_t next = 0;
  std::size_t inside = 0;  // threads that are at work
  std::optional<Error> error;
};

void Workers::take_part(Job& job) {
  std::unique_lock lock(job.mutex);
  ++job.inside;
  while (job.next < job.count && !job.error) {
    const auto index = job.next++;
    lock.unlock();
    auto done = job.work(index);
    lock.lock();
    if (!done && !job.error) job.error = std::move(done.error());
  }
  --job.inside;
  job.left.notify_all();
}

Result<void> Workers::each(std::size_t count, std::size_t parallel, const Work& work) {
  const auto job = std::make_shared<Job>(work, count);
  const auto helpers = std::min({std::max<std::size_t>(parallel, 1), std::max<std::size_t>(count, 1), most_ + 1}) - 1;
  {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < helpers; ++i) jobs_.push_back(job);
    while (threads_.size() < std::min(most_, jobs_.size())) threads_.emplace_back([this] { run(); });
  }
  if (helpers > 0) wanted_.notify_all();
  take_part(*job);
  {
    // Helpers that have not come yet are not needed any more, and must not find `work` gone.
    const std::lock_guard lock(mutex_);
    std::erase(jobs_, job);
  }
  std::unique_lock lock(job->mutex);
  job->left.wait(lock, [&] { return job->inside == 0; });
  if (job->error) return fail(std::move(*job->error));
  return {};
}

void Workers::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_.wait(lock, [&] { return ended_ || !jobs_.empty(); });
    if (ended_) return;
    const auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    take_part(*job);
    lock.lock();
  }
}

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  wanted_.notify_all();
  for (auto& thread : threads_) thread.join();
}

}  // namespace holdfast::objects
