// "What is in the checkpoint directory now is a checkpoint": asked by the program, heard by the task that follows the
// directory, answered once it is safe.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"

namespace holdfast::agent {

struct CommitAnswer {
  enum class What {
    safe,      // `generation` holds everything that was in the directory when the request came
    changed,   // a file changed while it was stored, again and again: the program still writes
    refused,   // it cannot be had, and asking again does not help until the user acts
    too_late,  // the program has ended, or another attempt has taken over
    busy,      // too many ask at once
  };
  What what = What::busy;
  std::optional<GenerationId> generation;
  std::string why;  // for people; empty when safe
};

// Asked for from any thread; taken and answered on one.
class CommitRequests {
 public:
  using Reply = std::function<void(const CommitAnswer&)>;
  static constexpr std::size_t kMost = 64;

  // `wake`: called for each request that is taken in, on the asking thread.
  explicit CommitRequests(std::function<void()> wake) : wake_(std::move(wake)) {}
  ~CommitRequests() { close(); }

  // `reply` is called exactly once: at once when there are too many or it is too late, else on the answering thread.
  void ask(Reply reply);
  // All that were asked so far; one commit that begins now is the answer to each.
  std::vector<Reply> take();
  bool any() const;
  // Everything that waits or comes later is too late.
  void close();

 private:
  std::function<void()> wake_;
  mutable std::mutex mutex_;
  std::vector<Reply> waiting_;
  bool closed_ = false;
};

}  // namespace holdfast::agent
