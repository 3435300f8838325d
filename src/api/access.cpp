#include "api/access.hpp"

#include <algorithm>

#include "ports/object_store.hpp"

namespace holdfast::api {

namespace {

// Where SageMaker's training toolkit is told which code to fetch: a JSON string, because hyperparameters are.
constexpr const char* kSubmitDirectory = "sagemaker_submit_directory";

std::string submit_directory(const job::JobSpec& spec) {
  const auto found = spec.hyperparameters.find(kSubmitDirectory);
  if (found == spec.hyperparameters.end()) return {};
  std::string_view uri = found->second;
  if (uri.size() >= 2 && uri.front() == '"' && uri.back() == '"') uri = uri.substr(1, uri.size() - 2);
  return std::string(uri);
}

// A folder of the job's own, not whatever begins like it: "out/a" must not open "out/ab".
std::string as_folder(std::string uri) { return uri.ends_with('/') ? uri : uri + "/"; }

struct Place {
  std::string uri;
  Access access;
};

std::vector<Place> places_of(const job::JobSpec& spec) {
  std::vector<Place> places;
  for (const auto& channel : spec.channels) places.push_back({channel.s3_uri, Access::read});
  if (const auto code = submit_directory(spec); code.starts_with("s3://")) places.push_back({code, Access::read});
  if (spec.checkpoint) places.push_back({spec.checkpoint->s3_uri, Access::write});
  places.push_back({as_folder(spec.output_path) + as_folder(spec.name.value), Access::write});
  return places;
}

}  // namespace

Result<S3Grant> grant_for(std::string_view uri, Access most) {
  auto place = ports::parse_s3_uri(uri);
  if (!place) return fail(place.error());
  return S3Grant{std::move(place->bucket), std::move(place->key), most};
}

bool allows(const Policy& policy, Access access, const Touches& touches) {
  if (policy.admin || (policy.read_only && access == Access::read)) return true;
  switch (touches.what) {
    case Touches::What::nothing:
      return access == Access::read || policy.jobs.has_value();
    case Touches::What::jobs:
      return policy.jobs && !touches.jobs.empty() &&
             std::ranges::all_of(touches.jobs, [&](const auto& job) { return job.starts_with(*policy.jobs); });
    case Touches::What::account:
      break;
  }
  return false;
}

std::optional<std::string> visible_jobs(const Policy& policy) {
  return policy.admin || policy.read_only ? std::string() : policy.jobs;
}

bool allows_object(const Policy& policy, Access access, std::string_view bucket, std::string_view key) {
  if (policy.admin || (policy.read_only && access == Access::read)) return true;
  return std::ranges::any_of(policy.objects, [&](const S3Grant& grant) {
    return grant.bucket == bucket && key.starts_with(grant.prefix) &&
           (access == Access::read || grant.most == Access::write);
  });
}

bool allows_bucket(const Policy& policy, std::string_view bucket) {
  if (policy.admin || policy.read_only) return true;
  return std::ranges::any_of(policy.objects, [&](const S3Grant& grant) { return grant.bucket == bucket; });
}

std::string forbidden_uri(const Policy& policy, const job::JobSpec& spec) {
  if (policy.admin) return {};
  // A list of objects may name any, now or later.
  for (const auto& channel : spec.channels) {
    if (channel.type != job::SourceType::S3Prefix && !policy.read_only) return channel.s3_uri;
  }
  for (const auto& place : places_of(spec)) {
    const auto wanted = grant_for(place.uri, place.access);
    if (!wanted || !allows_object(policy, place.access, wanted->bucket, wanted->prefix)) return place.uri;
  }
  return {};
}

Policy attempt_policy(const job::JobSpec& spec) {
  Policy policy;
  for (const auto& place : places_of(spec)) {
    if (auto grant = grant_for(place.uri, place.access)) policy.objects.push_back(std::move(*grant));
  }
  return policy;
}

}  // namespace holdfast::api
