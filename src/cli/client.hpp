// The wire, seen from the commands: signed calls that answer with JSON, and uploads. Which service answers, and with
// whose key, is settled once by find_service().
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "aws/credentials.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "cli/options.hpp"
#include "http/client.hpp"

namespace holdfast::cli {

class Service {
 public:
  virtual ~Service() = default;
  // `target`: "SageMaker.DescribeTrainingJob". A refusal's message is "Code: text"; Kind::try_again: nobody answered,
  // or the service is busy; Kind::not_found: what was asked for is not there.
  virtual Result<nlohmann::json> call(const std::string& target, const nlohmann::json& body) = 0;
  // Also fine when the bucket is there already. Kind::conflict: the service keeps it elsewhere.
  virtual Result<void> create_bucket(const std::string& bucket) = 0;
  virtual Result<void> put_object(const std::string& bucket, const std::string& key,
                                  const std::filesystem::path& file) = 0;
  // Under its name only once it is whole; what was there is replaced.
  virtual Result<void> get_object(const std::string& bucket, const std::string& key,
                                  const std::filesystem::path& file) = 0;
};

struct ServiceAddress {
  std::string endpoint;  // "http://127.0.0.1:8740", without a slash at the end
  std::string region;
  aws::Credentials credentials;
};

// What a variable of the environment holds, if it is set and not empty.
using Environment = std::function<std::optional<std::string>(const char* name)>;

// The endpoint as given, else from `<data>/endpoint`. The credentials of `<data>/credentials` come first where the
// endpoint was found there; with an endpoint of the user's own, AWS_ACCESS_KEY_ID and AWS_SHARED_CREDENTIALS_FILE do.
Result<ServiceAddress> find_service(const ConnectionOptions& options, const Environment& environment);

// For the answers that are not 2xx: SageMaker's JSON or S3's XML, as an Error.
Error error_of_answer(int status, std::string_view body);
// For a path: everything but letters, digits, -._~ and the slash as %XX.
std::string encode_path(std::string_view path);

class Client final : public Service {
 public:
  Client(ServiceAddress address, Clock& clock) : address_(std::move(address)), clock_(clock) {}

  Result<nlohmann::json> call(const std::string& target, const nlohmann::json& body) override;
  Result<void> create_bucket(const std::string& bucket) override;
  Result<void> put_object(const std::string& bucket, const std::string& key,
                          const std::filesystem::path& file) override;
  Result<void> get_object(const std::string& bucket, const std::string& key,
                          const std::filesystem::path& file) override;

 private:
  http::ClientRequest signed_request(const std::string& method, const std::string& path, http::Headers headers,
                                     const std::string& payload_hash, std::string_view service) const;
  Error nobody_answers(const Error& cause) const;

  ServiceAddress address_;
  Clock& clock_;
  http::Client http_;
};

}  // namespace holdfast::cli
