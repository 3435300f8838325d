#include "objects/s3_requests.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "aws/crc.hpp"
#include "aws/sha256.hpp"
#include "base/log.hpp"
#include "objects/s3_address.hpp"

namespace holdfast::objects {

namespace {

constexpr std::size_t kMaxRegions = 256;
constexpr Duration kLongWork = minutes{10};
constexpr std::size_t kHashBlock = 1u << 20;
const std::string kEmptyHash = aws::sha256_hex("");

std::string query_of(const S3Request& request) {
  std::string query;
  for (const auto& [name, value] : request.query) {
    if (!query.empty()) query += '&';
    query += encode_uri(name, false) + "=" + encode_uri(value, false);
  }
  return query;
}

std::uint64_t length_of(const S3Request& request) { return request.reader ? request.length : request.body.size(); }

Result<std::string> hash_of(const S3Request& request) {
  if (!request.reader) return aws::sha256_hex(request.body);
  aws::Sha256 digest;
  std::vector<char> block(kHashBlock);
  for (std::uint64_t at = 0; at < request.length; at += block.size()) {
    block.resize(static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), request.length - at)));
    if (auto read = request.reader(at, block); !read) return fail(read.error());
    digest.update({block.data(), block.size()});
  }
  return digest.finish_hex();
}

bool has_a_body(const S3Request& request) { return request.method == "PUT" || request.method == "POST"; }

}  // namespace

// What has happened to one request so far.
struct S3Requests::Attempts {
  int count = 0;
  Instant since;  // in ticks
  bool slower = false;
  bool moved = false, renewed = false, clock_set = false;
  std::optional<Duration> wished = {};
  bool consumed = false;           // the receiver has had bytes
  std::optional<Error> ours = {};  // of reader or receiver: not the server's fault
  aws::Credentials keys = {};
  bool again = false;  // what went wrong may go right
};

S3Requests::S3Requests(const S3Options& options, std::shared_ptr<http::TlsContext> tls, CredentialSource& credentials,
                       Clock& clock, Random& random)
    : options_(options),
      credentials_(credentials),
      clock_(clock),
      random_(random),
      connections_({.tls = std::move(tls),
                    .proxy = options.proxy,
                    .connect_timeout = options.connect_timeout,
                    .stall_timeout = options.stall_timeout},
                   options.connections),
      checksums_(options.checksums != Checksums::never) {}

std::uint64_t S3Requests::random_number() {
  const std::lock_guard lock(random_mutex_);
  return random_.next();
}

std::string S3Requests::region_of(const std::string& bucket) {
  const std::lock_guard lock(regions_mutex_);
  const auto known = regions_.find(bucket);
  return known == regions_.end() ? options_.region : known->second;
}

void S3Requests::remember_region(const std::string& bucket, const std::string& region) {
  const std::lock_guard lock(regions_mutex_);
  if (regions_.size() >= kMaxRegions) regions_.clear();
  regions_[bucket] = region;
}

Result<http::Outgoing> S3Requests::sign(const S3Request& request, const S3Address& address, const std::string& region,
                                        const aws::Credentials& keys) {
  http::Outgoing outgoing;
  outgoing.method = request.method;
  outgoing.body = request.body;
  outgoing.reader = request.reader;
  outgoing.length = request.length;
  outgoing.max_answer = request.max_answer;
  if (request.long_work) outgoing.answer_timeout = kLongWork;
  const auto query = query_of(request);
  outgoing.target = query.empty() ? address.path : address.path + "?" + query;

  aws::SignedRequest to_sign{request.method, address.path, query, {}, {}};
  to_sign.headers.emplace_back("Host", address.origin.authority());
  for (const auto& [name, value] : request.headers) to_sign.headers.emplace_back(name, value);
  const auto length = length_of(request);
  if (length > 0 || has_a_body(request)) to_sign.headers.emplace_back("Content-Length", std::to_string(length));
  if (request.crc && checksums_)
    to_sign.headers.emplace_back("x-amz-checksum-crc32c",
                                 aws::to_base64(aws::crc_bytes(aws::CrcKind::crc32c, *request.crc)));
  // TLS, or never leaving this machine, guards the bytes as well as a hash in the signature would, for nothing. Over
  // plain HTTP only the hash does.
  if (length == 0) {
    to_sign.payload_hash = kEmptyHash;
  } else if (address.origin.tls || address.origin.is_loopback()) {
    to_sign.payload_hash = aws::kUnsignedPayload;
  } else {
    auto hash = hash_of(request);
    if (!hash) return fail(std::move(hash.error()));
    to_sign.payload_hash = std::move(*hash);
  }
  const auto now = clock_.now() + milliseconds{clock_offset_ms_.load()};
  auto added = signer_.sign(to_sign, keys, region, "s3", now);
  for (auto* fields : {&to_sign.headers, &added})
    for (auto& [name, value] : *fields) outgoing.headers.add(std::move(name), std::move(value));
  return outgoing;
}

S3Outcome<http::Response> S3Requests::send_once(const S3Request& request, Attempts& attempts) {
  const auto failed = [&](Error error) {
    return tl::unexpected<S3Failure>(
        S3Failure{{error.kind, request.what + ": " + error.message}, 0, {}, attempts.count});
  };
  attempts.again = false;
  auto keys = credentials_.current();
  if (!keys) {
    // For want of credentials no bucket is missing and no object damaged: neither not_found nor invalid.
    attempts.again = keys.error().kind == Kind::try_again;
    if (!attempts.again) keys.error().kind = Kind::permanent;
    return failed(std::move(keys.error()));
  }
  attempts.keys = std::move(*keys);
  const auto region = region_of(request.bucket);
  const auto address = address_of(options_, region, request.bucket, request.key);
  auto outgoing = sign(request, address, region, attempts.keys);
  if (!outgoing) return failed(std::move(outgoing.error()));

  // Errors of the two that we were handed are told from those of the network.
  if (outgoing->reader) {
    outgoing->reader = [&](std::uint64_t offset, std::span<char> into) {
      auto read = request.reader(offset, into);
      if (!read) attempts.ours = read.error();
      return read;
    };
  }
  http::Receiver receiver;
  if (request.receiver) {
    const auto watched = [&](Result<void> taken) {
      if (!taken) attempts.ours = taken.error();
      return taken;
    };
    receiver.start = [&, watched](const http::Response& head) {
      return request.receiver->start ? watched(request.receiver->start(head)) : Result<void>{};
    };
    receiver.block = [&, watched](std::string_view block) {
      attempts.consumed = true;
      return watched(request.receiver->block(block));
    };
  }
  auto answer = connections_.exchange(address.origin, *outgoing, request.receiver ? &receiver : nullptr);
  if (!answer) {
    attempts.again = answer.error().kind == Kind::try_again && !attempts.ours;
    return failed(std::move(answer.error()));
  }
  const bool late = request.long_work && answer->status == 200 && is_refusal(answer->body);
  if (answer->status / 100 == 2 && !late) return std::move(*answer);

  const auto refusal = parse_refusal(answer->body);
  if (late) answer->status = 500;
  auto verdict = judge(*answer, refusal);
  attempts.again = remedied(request, verdict, attempts);
  auto text = fmt::format("{}: {}", request.what, describe(*answer, refusal));
  if (!verdict.advice.empty()) text += "; " + verdict.advice;
  return tl::unexpected<S3Failure>(
      S3Failure{{verdict.kind, std::move(text)}, answer->status, refusal.code, attempts.count});
}

// Whether it is worth another attempt, after whatever had to be put right was.
bool S3Requests::remedied(const S3Request& request, const Verdict& verdict, Attempts& attempts) {
  attempts.wished = verdict.pause;
  switch (verdict.remedy) {
    case Remedy::none:
      return false;
    case Remedy::slower:
      attempts.slower = true;
      return true;
    case Remedy::again:
      return true;
    case Remedy::other_region:
      if (std::exchange(attempts.moved, true) || verdict.region == region_of(request.bucket)) return false;
      log_info("{}: the bucket is in {}", request.what, verdict.region);
      remember_region(request.bucket, verdict.region);
      attempts.wished = Duration::zero();
      return true;
    case Remedy::new_credentials:
      if (std::exchange(attempts.renewed, true)) return false;
      credentials_.refused(attempts.keys);
      attempts.wished = Duration::zero();
      return true;
    case Remedy::set_clock:
      if (!verdict.their_time || std::exchange(attempts.clock_set, true)) return false;
      clock_offset_ms_ = (*verdict.their_time - clock_.now()).count();
      log_warn("{}: this machine's clock is {} s off S3's; requests are dated by S3's", request.what,
               -clock_offset_ms_.load() / 1000);
      attempts.wished = Duration::zero();
      return true;
    case Remedy::without_checksum:
      if (!request.crc || options_.checksums == Checksums::always || !checksums_.exchange(false)) return false;
      log_warn("{}: the server takes no x-amz-checksum-crc32c; it is not sent any more", request.what);
      attempts.wished = Duration::zero();
      return true;
  }
  return false;
}

// Nothing: the caller's patience is at an end.
std::optional<Duration> S3Requests::next_pause(Attempts& attempts) {
  auto pause = pause_before(attempts.count - 1, attempts.slower, random_number());
  if (attempts.wished) pause = attempts.wished->count() == 0 ? Duration::zero() : std::max(pause, *attempts.wished);
  if (!budget_.take()) pause = std::max(pause, kLongestPauseOfOurs);
  const auto spent = clock_.ticks() - attempts.since;
  if (spent + pause > options_.patience) return std::nullopt;
  return pause;
}

S3Outcome<S3Reply> S3Requests::send(const S3Request& request) {
  Attempts attempts;
  attempts.since = clock_.ticks();
  for (;;) {
    ++attempts.count;
    auto answer = send_once(request, attempts);
    if (answer) {
      budget_.succeeded(attempts.count > 1);
      return S3Reply{std::move(*answer), attempts.count};
    }
    if (!attempts.again || attempts.consumed) return tl::unexpected<S3Failure>(std::move(answer.error()));
    const auto pause = next_pause(attempts);
    if (!pause) {
      answer.error().error.message += fmt::format(" (tried {} times)", attempts.count);
      return tl::unexpected<S3Failure>(std::move(answer.error()));
    }
    log_debug("{}; again in {} ms", answer.error().error.message, pause->count());
    if (pause->count() > 0 && !pauses_.wait(*pause)) return tl::unexpected<S3Failure>(std::move(answer.error()));
  }
}

}  // namespace holdfast::objects
