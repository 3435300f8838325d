#include "api/events/webhook.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/events/state_change.hpp"
#include "api/training_job_description.hpp"
#include "aws/sha256.hpp"
#include "base/log.hpp"

namespace holdfast::api::events {

namespace {

constexpr std::string_view kSecretPrefix = "whsec_";
constexpr std::size_t kSecretBytes = 32;
constexpr int kGone = 410;
constexpr std::size_t kMaxAnswer = 64 * 1024;

Duration pause_after(int failures) {
  Duration pause = kFirstPause;
  for (int i = 1; i < failures && pause < kLongestPause; ++i) pause *= 2;
  return std::min(pause, kLongestPause);
}

// "https://user:pw@host:1/path" is "host:1".
std::string host_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  const auto user = url.rfind('@');
  return std::string(user == std::string_view::npos ? url : url.substr(user + 1));
}

}  // namespace

std::string make_webhook_secret(Random& random) {
  std::string bytes;
  while (bytes.size() < kSecretBytes) bytes += static_cast<char>(random.next() & 0xff);
  return std::string(kSecretPrefix) + aws::to_base64(bytes);
}

Result<std::string> webhook_signature(std::string_view secret, std::string_view id, std::int64_t timestamp_seconds,
                                      std::string_view body) {
  const auto key =
      secret.starts_with(kSecretPrefix) ? aws::from_base64(secret.substr(kSecretPrefix.size())) : std::nullopt;
  if (!key || key->empty()) return fail(Kind::invalid, "the secret of the webhooks must be whsec_ and base64");
  const auto digest = aws::hmac_sha256(*key, fmt::format("{}.{}.{}", id, timestamp_seconds, body));
  return "v1," + aws::to_base64(aws::as_view(digest));
}

Result<void> check_webhook_url(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!url.starts_with(scheme)) continue;
    const auto host = url.substr(scheme.size());
    const bool plain = std::ranges::all_of(url, [](unsigned char c) { return c > ' ' && c < 0x7f; });
    if (plain && !host.empty() && host[0] != '/' && host[0] != ':') return {};
  }
  return fail(Kind::invalid, "'{}' is no URL to send events to: write http://host:port/path, or https://", url);
}

Webhook::Webhook(WebhookParts parts) : parts_(std::move(parts)), where_(host_of(parts_.url)) {}

Duration Webhook::work() {
  for (;;) {
    if (unwanted_) return kLongestPause;
    const auto told = parts_.feed.told(parts_.url);
    const auto changes = told ? parts_.feed.after(*told, kChangesPerLook)
                              : Result<std::vector<ports::StatusChange>>(tl::unexpected(told.error()));
    if (!changes) {
      log_warn("events for {}: {}", where_, changes.error().message);
      return kLongestPause;
    }
    if (changes->empty()) return kLookAgain;
    for (const auto& change : *changes) {
      if (!tell_all_of(change)) return unwanted_ ? kLongestPause : pause_after(failures_);
      if (auto noted = parts_.feed.tell(parts_.url, change.number); !noted) {
        // It will be told again: better twice than never.
        log_warn("events for {}: {}", where_, noted.error().message);
        return kFirstPause;
      }
      told_of_it_ = 0;
    }
  }
}

bool Webhook::tell_all_of(const ports::StatusChange& change) {
  const auto described = describe_job(change.job, parts_.telemetry);
  if (!described) {
    log_error("events for {}: a status is left out: {}", where_, described.error().message);
    return true;
  }
  const auto events = events_of(change, *described, parts_.account, parts_.region);
  for (; told_of_it_ < events.size(); ++told_of_it_) {
    const auto& event = events[told_of_it_];
    switch (tell(event.id, event.body)) {
      case Heard::yes:
        break;
      case Heard::unwanted:
        unwanted_ = true;
        log_warn("events for {}: it answered 410 and is sent nothing until the next start", where_);
        return false;
      case Heard::no:
        if (failures_++ == 0) first_failure_ = parts_.clock.ticks();
        if (parts_.clock.ticks() - first_failure_ < kGiveUpAfter) return false;
        log_error("events for {}: a status of {} is given up after a day", where_, change.job.job.spec->name.value);
        break;
    }
    failures_ = 0;
  }
  return true;
}

Webhook::Heard Webhook::tell(const std::string& id, const std::string& body) {
  const auto now = to_epoch_seconds(parts_.clock.now());
  const auto signature = webhook_signature(parts_.secret, id, now, body);
  if (!signature) {
    log_error("events for {}: {}", where_, signature.error().message);
    return Heard::no;
  }
  http::ClientRequest request;
  request.method = "POST";
  request.url = parts_.url;
  request.headers = {{"Content-Type", "application/json"},
                     {"webhook-id", id},
                     {"webhook-timestamp", std::to_string(now)},
                     {"webhook-signature", *signature}};
  request.body = body;
  request.timeout = kAnswerTimeout;
  request.max_response = kMaxAnswer;
  const auto answer = client_.send(request);
  if (answer && answer->status >= 200 && answer->status < 300) return Heard::yes;
  if (answer && answer->status == kGone) return Heard::unwanted;
  log_info("events for {}: not heard ({})", where_,
           answer ? fmt::format("it answered {}", answer->status) : answer.error().message);
  return Heard::no;
}

}  // namespace holdfast::api::events
