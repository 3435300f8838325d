// One request to S3 and its answer, however often it has to be asked: signed, sent, judged, tried again.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/sigv4.hpp"
#include "base/random.hpp"
#include "base/time.hpp"
#include "http/connections.hpp"
#include "objects/credential_source.hpp"
#include "objects/s3_address.hpp"
#include "objects/s3_options.hpp"
#include "objects/s3_retry.hpp"
#include "objects/s3_verdict.hpp"

namespace holdfast::objects {

struct S3Request {
  std::string method = "GET";
  std::string bucket = {};
  std::string key = {};
  std::vector<std::pair<std::string, std::string>> query = {};  // plain
  http::Headers headers = {};                                   // beside those of address and signature
  std::string_view body = {};                                   // unless there is a reader
  std::function<Result<void>(std::uint64_t offset, std::span<char> into)> reader = {};
  std::uint64_t length = 0;               // of the reader's body
  std::optional<std::uint32_t> crc = {};  // CRC-32C of the body; sent where the options want it
  // Copies and completions: the server may work for minutes before it answers, and may refuse behind a 200.
  bool long_work = false;
  const http::Receiver* receiver = nullptr;  // for a 2xx body; once it had bytes, nothing is tried again
  std::size_t max_answer = 8u << 20;
  std::string what = {};  // "uploading s3://bucket/key", for messages
};

struct S3Reply {
  http::Response response;
  int attempts = 1;  // more than one: an earlier one may have been done, though its answer was lost
};

// Why there is none. A refusal has a status and perhaps a code; what came to no answer has neither.
struct S3Failure {
  Error error;
  int status = 0;
  std::string code = {};
  int attempts = 1;
};
template <class T>
using S3Outcome = tl::expected<T, S3Failure>;

class S3Requests {
 public:
  // The options must have been checked; what is referred to must outlive this.
  S3Requests(const S3Options& options, std::shared_ptr<http::TlsContext> tls, CredentialSource& credentials,
             Clock& clock, Random& random);

  S3Outcome<S3Reply> send(const S3Request& request);
  // Calls that wait between two attempts return at once, with what went wrong last.
  void end() { pauses_.end(); }
  bool sends_checksums() const { return checksums_; }
  std::uint64_t random_number();
  bool pause(Duration duration) { return pauses_.wait(duration); }

 private:
  struct Attempts;
  std::string region_of(const std::string& bucket);
  void remember_region(const std::string& bucket, const std::string& region);
  S3Outcome<http::Response> send_once(const S3Request& request, Attempts& attempts);
  Result<http::Outgoing> sign(const S3Request& request, const S3Address& address, const std::string& region,
                              const aws::Credentials& keys);
  bool remedied(const S3Request& request, const Verdict& verdict, Attempts& attempts);
  std::optional<Duration> next_pause(Attempts& attempts);

  const S3Options& options_;
  CredentialSource& credentials_;
  Clock& clock_;
  Random& random_;
  std::mutex random_mutex_;
  http::Connections connections_;
  aws::Signer signer_;
  RetryBudget budget_;
  Pauses pauses_;
  std::atomic<std::int64_t> clock_offset_ms_ = 0;  // theirs less ours
  std::atomic<bool> checksums_;
  std::mutex regions_mutex_;
  std::map<std::string, std::string> regions_;  // of buckets that are not where the options say; at most kMaxRegions
};

}  // namespace holdfast::objects
