#include "objects/credential_source.hpp"

#include "base/log.hpp"

namespace holdfast::objects {

bool CredentialCache::fresh(Instant now) const {
  if (!kept_) return false;
  if (!kept_->expires || *kept_->expires - now > kRefreshAhead) return true;
  return not_before_ && now < *not_before_ && usable(now);
}

bool CredentialCache::usable(Instant now) const { return kept_ && (!kept_->expires || *kept_->expires > now); }

Result<aws::Credentials> CredentialCache::current() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto now = clock_.now();
    if (fresh(now) || (fetching_ && usable(now))) return kept_->keys;
    if (!fetching_) break;
    fetched_.wait(lock);
  }
  fetching_ = true;
  lock.unlock();
  auto fetched = fetch_();
  lock.lock();
  fetching_ = false;
  fetched_.notify_all();
  const auto now = clock_.now();
  if (fetched) {
    kept_ = std::move(*fetched);
    had_some_ = true;
    // A place that hands out what is nearly over is not asked again for every request.
    not_before_ = now + kRefreshAgain;
    return kept_->keys;
  }
  if (!usable(now)) {
    // A file that is moved away or a service that is restarted comes back.
    if (had_some_ && fetched.error().kind == Kind::not_found) fetched.error().kind = Kind::try_again;
    return fail(std::move(fetched.error()));
  }
  log_warn("credentials could not be renewed, the old ones are used as long as they last: {}", fetched.error().message);
  not_before_ = now + kRefreshAgain;
  return kept_->keys;
}

void CredentialCache::refused(const aws::Credentials& keys) {
  const std::lock_guard lock(mutex_);
  if (kept_ && kept_->keys.access_key == keys.access_key && kept_->keys.session_token == keys.session_token)
    kept_.reset();
}

}  // namespace holdfast::objects
