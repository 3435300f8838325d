#include "app/webhooks.hpp"

#include <algorithm>

#include "api/events/webhook.hpp"
#include "base/file.hpp"

namespace holdfast::app {

namespace {

constexpr std::size_t kMaxSecretFile = 4096;

Result<std::string> read_or_make_secret(const std::filesystem::path& path, Random& random) {
  auto found = read_file(path, kMaxSecretFile);
  if (found) {
    while (found->ends_with('\n')) found->pop_back();
    return found;
  }
  if (found.error().kind != Kind::not_found) return found;
  auto made = api::events::make_webhook_secret(random);
  if (auto written = write_file_atomically(path, made + "\n", 0600); !written) return fail(written.error());
  return made;
}

Result<void> check(const std::vector<std::string>& urls) {
  if (urls.size() > api::events::kMaxWebhooks)
    return fail(Kind::invalid, "--events-to: more than {} URLs", api::events::kMaxWebhooks);
  for (const auto& url : urls) {
    if (auto fine = api::events::check_webhook_url(url); !fine) return fail(fine.error(), "--events-to");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Webhooks>> Webhooks::start(WebhooksFacts facts, ports::StatusFeed& feed,
                                                  ports::Telemetry& telemetry, Clock& clock, Random& random) {
  std::ranges::sort(facts.urls);
  facts.urls.erase(std::unique(facts.urls.begin(), facts.urls.end()), facts.urls.end());
  if (auto fine = check(facts.urls); !fine) return fail(fine.error());
  if (auto listening = feed.listen(facts.urls); !listening) return fail(listening.error());
  std::unique_ptr<Webhooks> webhooks(new Webhooks);
  if (facts.urls.empty()) return webhooks;
  const auto secret = read_or_make_secret(facts.secret_file, random);
  if (!secret) return fail(secret.error());
  for (const auto& url : facts.urls) {
    webhooks->threads_.emplace_back(
        [self = webhooks.get(),
         parts = api::events::WebhookParts{feed, telemetry, clock, url, *secret, facts.account, facts.region}] {
          api::events::Webhook webhook(parts);
          while (!self->pause(webhook.work())) continue;
        });
  }
  return webhooks;
}

Webhooks::~Webhooks() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  ending_.notify_all();
  for (auto& thread : threads_) thread.join();
}

bool Webhooks::pause(Duration duration) {
  std::unique_lock lock(mutex_);
  return ending_.wait_for(lock, duration, [this] { return ended_; });
}

}  // namespace holdfast::app
