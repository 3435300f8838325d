// Credentials that may change while we run: one set for all threads, fetched anew before it is over.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>

#include "aws/credentials.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace holdfast::objects {

// Fetched anew this long before they are over; AWS's own services hand out the next set 5 to 15 minutes before.
constexpr Duration kRefreshAhead = minutes{5};
// What failed to come, while the old set still lasts, is asked for again after this.
constexpr Duration kRefreshAgain = seconds{30};

struct TimedCredentials {
  aws::Credentials keys;
  std::optional<Instant> expires = {};  // nothing: never
};

// Thread-safe.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  // Blocks while they are fetched. Kind::not_found: there are none, and never were; the message says where they were
  // looked for. Kind::try_again: whoever hands them out is away, or what was there before is gone just now.
  virtual Result<aws::Credentials> current() = 0;
  // The server says that these are over: the next call of current() fetches others, if somebody has not already.
  virtual void refused(const aws::Credentials& keys) = 0;
};

// Keeps what `fetch` brings. Only one thread fetches; the others go on with the old set as long as it lasts.
class CredentialCache final : public CredentialSource {
 public:
  using Fetch = std::function<Result<TimedCredentials>()>;
  CredentialCache(Fetch fetch, Clock& clock) : fetch_(std::move(fetch)), clock_(clock) {}
  Result<aws::Credentials> current() override;
  void refused(const aws::Credentials& keys) override;

 private:
  bool fresh(Instant now) const;
  bool usable(Instant now) const;

  Fetch fetch_;
  Clock& clock_;
  std::mutex mutex_;
  std::condition_variable fetched_;
  std::optional<TimedCredentials> kept_;
  std::optional<Instant> not_before_;  // after a fetch that failed while the old set lasted
  bool fetching_ = false;
  bool had_some_ = false;
};

}  // namespace holdfast::objects
