#include "api/authority.hpp"

#include <fmt/format.h>

#include <charconv>

#include "aws/sha256.hpp"
#include "job/state.hpp"

namespace holdfast::api {

namespace {

constexpr std::string_view kAttemptPrefix = "HFATTEMPT.";

struct AttemptName {
  Fence fence;
  JobName job;
};

std::optional<AttemptName> parse_attempt(std::string_view access_key) {
  if (!access_key.starts_with(kAttemptPrefix)) return std::nullopt;
  access_key.remove_prefix(kAttemptPrefix.size());
  const auto dot = access_key.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  std::uint64_t fence = 0;
  const auto [end, error] = std::from_chars(access_key.data(), access_key.data() + dot, fence);
  if (error != std::errc{} || end != access_key.data() + dot || dot == 0) return std::nullopt;
  return AttemptName{Fence{fence}, JobName{std::string(access_key.substr(dot + 1))}};
}

}  // namespace

aws::Credentials attempt_credentials(std::string_view agent_secret, const JobName& job, Fence fence) {
  // Another text than agent_token's: a program that gets this must not be able to speak as its agent.
  const auto digest = aws::hmac_sha256(agent_secret, fmt::format("holdfast-s3\n{}\n{}", job.value, fence.value));
  return {fmt::format("{}{}.{}", kAttemptPrefix, fence.value, job.value), aws::to_hex(aws::as_view(digest)), ""};
}

Authority::Authority(aws::Credentials root, KeyRing* keys, std::string agent_secret, ports::JobStore& store)
    : root_(std::move(root)), keys_(keys), agent_secret_(std::move(agent_secret)), store_(store) {}

aws::AuthResult<Authenticated> Authority::verify(const aws::SignedRequest& request, Instant now) {
  std::optional<Known> known;
  auto identity = verifier_.verify(request, now, [&](std::string_view access_key) {
    known = find(access_key);
    return known ? std::optional(known->secret) : std::nullopt;
  });
  if (!identity) return tl::unexpected(identity.error());
  known->principal.access_key = identity->scope.access_key;
  return Authenticated{std::move(*identity), std::move(known->principal)};
}

aws::AuthResult<Principal> Authority::verify(const aws::SignedPolicy& policy, Instant now) {
  std::optional<Known> known;
  const auto scope = aws::verify_policy(policy, now, [&](std::string_view access_key) {
    known = find(access_key);
    return known ? std::optional(known->secret) : std::nullopt;
  });
  if (!scope) return tl::unexpected(scope.error());
  known->principal.access_key = scope->access_key;
  return std::move(known->principal);
}

std::optional<Authority::Known> Authority::find(std::string_view access_key) {
  if (access_key == root_.access_key) return Known{root_.secret, {kRootName, Policy{.admin = true}}};
  if (auto attempt = find_attempt(access_key)) return attempt;
  if (!keys_) return std::nullopt;
  auto key = keys_->find(access_key);
  if (!key) return std::nullopt;
  return Known{std::move(key->credentials.secret), {std::move(key->name), std::move(key->policy)}};
}

std::optional<Authority::Known> Authority::find_attempt(std::string_view access_key) {
  const auto name = parse_attempt(access_key);
  if (!name) return std::nullopt;
  const auto stored = store_.find(name->job);
  if (!stored) return std::nullopt;
  const auto* attempt = job::current_attempt(stored->job);
  if (!attempt || attempt->fence != name->fence) return std::nullopt;
  return Known{attempt_credentials(agent_secret_, name->job, name->fence).secret,
               {"job/" + name->job.value, attempt_policy(*stored->job.spec)}};
}

}  // namespace holdfast::api
