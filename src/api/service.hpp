// The one endpoint: tells S3 from the operations of all other services (which wire/exchange.hpp tells apart), makes
// sure who is asking, and answers each in its own words.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "api/authority.hpp"
#include "api/protocol.hpp"
#include "api/s3/s3_api.hpp"
#include "api/wire/exchange.hpp"
#include "api/workers.hpp"
#include "aws/credentials.hpp"
#include "http/server.hpp"

namespace holdfast::api {

constexpr std::size_t kMaxAgentReport = 8 * 1024 * 1024;
constexpr std::size_t kMaxWaitingRequests = 2048;
constexpr std::size_t kMaxWaitingTransfers = 256;
// Agents and users must not wait behind those who move gigabytes.
constexpr std::size_t kRequestThreads = 4;
// Strangers may ask for the figures, however often: they are made this often at most.
constexpr Duration kFiguresKept = seconds{1};
constexpr std::size_t kTransferThreads = 4;

struct ServiceParts {
  engine::Engine& engine;
  ports::JobStore& store;
  ports::Telemetry& telemetry;
  ports::BucketStore& objects;
  ports::LogStore& logs;
  Clock& clock;
  Random& random;
  std::string account;  // 12 digits
  std::string region;
  aws::Credentials root;  // may do everything
  KeyRing* keys;          // the others; may be null
  std::string agent_secret;
  std::filesystem::path upload_directory;  // on the object store's disk, if it has one; made when it is not there
  ports::MetricStore& metrics;
  ports::AlgorithmStore& algorithms;
  std::string s3_domain = "localhost";        // a bucket may be the host's first part: "bucket.localhost"
  ports::ObjectStore* all_objects = nullptr;  // those of jobs, `objects` and others; null: `objects`
  s3::Elsewhere elsewhere = {};               // where a bucket is that `objects` must not have
};

class Service final : public http::Handler {
 public:
  // Starts its threads. Everything in `parts` must live until the service is destroyed, and the engine's replies may
  // come until then: stop the server and the engine's thread first.
  explicit Service(ServiceParts parts);
  ~Service() override;

  http::BodyPlan plan(const http::RequestHead& head) override;
  void handle(http::Request request, std::unique_ptr<http::BodySink> sink, http::Reply reply) override;
  http::Response failure(const http::RequestHead* head, int status, const std::string& why) override;

 private:
  using Respond = std::function<void(http::Response)>;
  enum class Door { health, figures, operation, s3 };

  static Door door_of(const http::RequestHead& head);
  std::string request_id();
  http::Response answer(const wire::Exchange& exchange, const Outcome& outcome);
  http::Response s3_failure(const http::RequestHead& head, const s3::S3Error& error);

  // The user who signed a request for `exchange`.
  tl::expected<Principal, ApiError> verify_user(const http::Request& request, const wire::Exchange& exchange);
  // With what was signed in the body's place: its SHA-256, or the word that says that it was not.
  s3::S3Result<Authenticated> verify_s3(const http::RequestHead& head);
  s3::S3Result<Principal> verify_form(const aws::SignedPolicy& policy);
  http::BodyPlan plan_s3(const http::RequestHead& head);
  void answer_operation(const http::Request& request, const Respond& respond);
  http::Response answer_figures();
  tl::expected<void, ApiError> check_agent(const http::RequestHead& head, const nlohmann::json& request) const;
  http::Response answer_s3(const http::Request& request, s3::Upload* upload);

  Clock& clock_;
  std::mutex random_mutex_;
  Random& random_;
  std::string agent_secret_;
  Authority authority_;
  Counters counters_;
  std::mutex figures_mutex_;
  std::string figures_;
  Instant figures_made_;  // in ticks
  Backends backends_;
  SpecCache specs_;
  s3::S3Api s3_;
  // Last, so that they end first: their work uses all of the above.
  Workers requests_;
  Workers transfers_;
};

}  // namespace holdfast::api
