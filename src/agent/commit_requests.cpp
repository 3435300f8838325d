#include "agent/commit_requests.hpp"

#include <utility>

namespace holdfast::agent {
namespace {

const CommitAnswer kTooLate{CommitAnswer::What::too_late, std::nullopt,
                            "the attempt is over: nothing more is committed"};

}  // namespace

void CommitRequests::ask(Reply reply) {
  bool taken = false, closed = false;
  {
    const std::lock_guard lock(mutex_);
    closed = closed_;
    taken = !closed_ && waiting_.size() < kMost;
    if (taken) waiting_.push_back(std::move(reply));
  }
  if (taken) return wake_();
  reply(closed ? kTooLate
               : CommitAnswer{CommitAnswer::What::busy, std::nullopt, "too many requests wait for a commit already"});
}

std::vector<CommitRequests::Reply> CommitRequests::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(waiting_, {});
}

bool CommitRequests::any() const {
  const std::lock_guard lock(mutex_);
  return !waiting_.empty();
}

void CommitRequests::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  for (const auto& reply : take()) reply(kTooLate);
}

}  // namespace holdfast::agent
