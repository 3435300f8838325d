// Tells one URL of every status change: signed, again and again until it is heard, one after the other.
//
// An event is a POST of its JSON with the three headers of the Standard Webhooks specification
// (https://www.standardwebhooks.com): webhook-id, webhook-timestamp, and webhook-signature "v1," followed by the base64
// of HMAC-SHA256(secret, "<id>.<timestamp>.<body>"). An answer of 2xx means heard. 410 means not wanted any more: until
// the service starts again nothing is sent. Anything else, or none, and it is told again: after 1 s, 2 s, 4 s and so on
// up to 5 minutes, for a day; then that event is given up, and the log says so. Order is kept for all jobs together.
#pragma once

#include <string>

#include "base/random.hpp"
#include "base/time.hpp"
#include "http/client.hpp"
#include "ports/status_feed.hpp"
#include "ports/telemetry.hpp"

namespace holdfast::api::events {

constexpr std::size_t kMaxWebhooks = 8;
constexpr Duration kFirstPause = seconds{1};
constexpr Duration kLongestPause = minutes{5};
constexpr Duration kGiveUpAfter = hours{24};
constexpr Duration kLookAgain = milliseconds{500};  // for new changes
constexpr Duration kAnswerTimeout = seconds{10};
constexpr std::size_t kChangesPerLook = 100;

struct WebhookParts {
  ports::StatusFeed& feed;
  ports::Telemetry& telemetry;
  Clock& clock;
  std::string url;     // also the listener's name in the feed
  std::string secret;  // "whsec_" and base64
  std::string account;
  std::string region;
};

// "whsec_" and 32 random bytes in base64.
std::string make_webhook_secret(Random& random);
// The header's value. Kind::invalid: no such secret.
Result<std::string> webhook_signature(std::string_view secret, std::string_view id, std::int64_t timestamp_seconds,
                                      std::string_view body);
// Kind::invalid: not http:// or https:// with a host.
Result<void> check_webhook_url(std::string_view url);

// Belongs to one thread.
class Webhook {
 public:
  explicit Webhook(WebhookParts parts);

  // Tells what there is to tell, until all is told or one is not heard. After that long it is to be called again.
  Duration work();

 private:
  enum class Heard { yes, no, unwanted };
  Heard tell(const std::string& id, const std::string& body);
  // False: not now.
  bool tell_all_of(const ports::StatusChange& change);

  WebhookParts parts_;
  const std::string where_;  // for the log: the URL's host, as its path may be a secret
  http::Client client_;
  bool unwanted_ = false;
  int failures_ = 0;  // of the event at hand
  Instant first_failure_ = {};
  std::size_t told_of_it_ = 0;  // events of the change at hand that were heard
};

}  // namespace holdfast::api::events
