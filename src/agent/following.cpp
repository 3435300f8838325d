#include "agent/following.hpp"

#include <algorithm>

namespace holdfast::agent {
namespace {

// A commit that was asked for and could not be had is tried again: the store may be back, the file may rest.
constexpr Duration kAgain{1000};

}  // namespace

Following::Following(Tasks& tasks, const Parts& parts, std::function<void(const CheckpointEvent&)> tell)
    : parts_(parts), tell_(std::move(tell)), task_(tasks.start([this] { follow(); })) {}

Following::~Following() {
  stopping_ = true;
  parts_.folder.wake();
}

void Following::tell_all(const std::vector<CheckpointEvent>& events) {
  parts_.watch.seen(parts_.sync.figures());
  for (const auto& event : events) {
    if (const auto* generation = std::get_if<CheckpointCommitted>(&event)) parts_.watch.committed(*generation);
    tell_(event);
  }
}

void Following::follow() {
  auto& [folder, sync, clock, requests, watch] = parts_;
  while (!stopping_ && !sync.fenced_off()) {
    for (auto& reply : requests.take()) asked_.push_back(std::move(reply));
    if (const auto file = folder.commit_file()) file_ = file;
    Duration nap{0};
    if (asked_.empty() && !file_) {
      tell_all(sync.step());
      nap = sync.next_wakeup() - clock.ticks();
    } else {
      commit_as_asked();
      nap = asked_.empty() && !file_ ? Duration{0} : kAgain;
    }
    if (!stopping_ && !requests.any()) folder.wait(std::max(nap, Duration{0}));
  }
  // Who still waits is answered when the requests are closed; these are ours.
  for (const auto& reply : asked_) {
    reply({CommitAnswer::What::too_late, std::nullopt, "the attempt is over: nothing more is committed"});
  }
}

void Following::commit_as_asked() {
  const auto done = parts_.sync.commit_now();
  tell_all(done.events);
  if (!done.answer) return;
  for (const auto& reply : std::exchange(asked_, {})) reply(*done.answer);
  // A file asks until it is safe: nobody reads an answer.
  if (file_ && done.answer->what == CommitAnswer::What::safe) {
    parts_.folder.remove_commit_file(*file_);
    file_.reset();
  }
}

}  // namespace holdfast::agent
