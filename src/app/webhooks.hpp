// The threads that tell URLs of status changes, one for each.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "ports/status_feed.hpp"
#include "ports/telemetry.hpp"

namespace holdfast::app {

struct WebhooksFacts {
  std::vector<std::string> urls;
  std::filesystem::path secret_file;  // made when it is needed and not there
  std::string account;
  std::string region;
};

class Webhooks {
 public:
  // Everything must live until it is destroyed. Without URLs it only sees to it that no changes are kept.
  // Kind::invalid: too many URLs, or one that is none.
  static Result<std::unique_ptr<Webhooks>> start(WebhooksFacts facts, ports::StatusFeed& feed,
                                                 ports::Telemetry& telemetry, Clock& clock, Random& random);
  // Waits for what is under way, events::kAnswerTimeout at most.
  ~Webhooks();

 private:
  Webhooks() = default;
  // True: end now.
  bool pause(Duration duration);

  std::mutex mutex_;
  std::condition_variable ending_;
  bool ended_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace holdfast::app
