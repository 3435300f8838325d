// Accepts a job: everything that can be known to be wrong is refused here, and what is accepted is never lost.
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "api/operations/algorithm_lookup.hpp"
#include "api/operations/operations.hpp"
#include "api/training_job_request.hpp"
#include "checkpoint/ledger.hpp"

namespace holdfast::api::operations {

namespace {

using Checked = tl::expected<void, ApiError>;

ApiError no_objects(const Backends& backends, const job::JobSpec& spec, const job::Channel& channel,
                    const std::string& bucket) {
  return validation(fmt::format(
      "No S3 objects found under S3 URL \"{}\" given in input data source. Please ensure that the bucket exists in the "
      "selected region ({}), that objects exist under that S3 prefix, and that the role \"{}\" has \"s3:ListBucket\" "
      "permissions on bucket \"{}\".",
      channel.s3_uri, backends.region, spec.role_arn, bucket));
}

// Something under the prefix; in FastFile mode in the folder; or the one object that lists the others.
Result<bool> is_there(ports::ObjectStore& objects, const job::Channel& channel, const ports::S3Location& place) {
  const auto unless_missing = [](const auto& found, bool there) -> Result<bool> {
    if (!found && found.error().kind != Kind::not_found) return fail(found.error());
    return found && there;
  };
  if (channel.type != job::SourceType::S3Prefix) return unless_missing(objects.head(place.bucket, place.key), true);
  const auto prefix = channel.mode == job::InputMode::FastFile ? ports::folder_prefix(place) : place.key;
  const auto page = objects.list(place.bucket, prefix, "", 1);
  return unless_missing(page, page && !page->objects.empty());
}

// What stands in the way of a place lies with its address, its credentials or its owner: whoever creates the job is
// told.
ApiError no_access(const Error& error, const std::string& uri) {
  if (error.kind == Kind::try_again) return service_unavailable(error.message);
  return validation(fmt::format("{} cannot be used: {}", uri, error.message));
}

Checked check_input(const Backends& backends, const job::JobSpec& spec, const job::Channel& channel) {
  const auto place = ports::parse_s3_uri(channel.s3_uri);
  if (!place) return tl::unexpected(validation(place.error().message));
  const auto there = is_there(backends.objects, channel, *place);
  if (!there) return tl::unexpected(no_access(there.error(), channel.s3_uri));
  if (!*there) return tl::unexpected(no_objects(backends, spec, channel, place->bucket));
  return {};
}

Checked check_bucket(const Backends& backends, const char* member, const std::string& uri) {
  const auto place = ports::parse_s3_uri(uri);
  if (!place) return tl::unexpected(validation(fmt::format("{}: {}", member, place.error().message)));
  const auto exists = backends.objects.bucket_exists(place->bucket);
  if (!exists) return tl::unexpected(no_access(exists.error(), uri));
  if (*exists) return {};
  return tl::unexpected(validation(fmt::format(
      "The bucket \"{}\" of {} \"{}\" does not exist. Create it before the job.", place->bucket, member, uri)));
}

// The newest attempt that has written there, whoever started it.
tl::expected<Fence, ApiError> newest_fence(const Backends& backends, const std::string& uri) {
  constexpr std::size_t kMostEntries = 100'000;
  constexpr std::uint64_t kMostAttempts = 1ULL << 53;
  const auto place = ports::parse_s3_uri(uri);
  if (!place) return tl::unexpected(validation(place.error().message));
  const auto folder = ports::folder_prefix(*place) + std::string(checkpoint::kOwnFolder);
  const auto entries =
      ports::list_all(backends.objects, place->bucket, folder + std::string(checkpoint::kLedgerFolder), kMostEntries);
  if (!entries) return tl::unexpected(no_access(entries.error(), uri));
  Fence newest;
  for (const auto& entry : *entries) {
    const auto id = checkpoint::parse_manifest_name(std::string_view(entry.key).substr(folder.size()));
    if (id) newest = std::max(newest, id->fence);
  }
  if (newest.value <= kMostAttempts) return newest;
  return tl::unexpected(validation(
      fmt::format("{} cannot be used: its ledger speaks of attempt {}, which no service can have started. Give the "
                  "job another S3Uri, or remove what lies below {}.",
                  uri, newest.value, folder)));
}

// The instance is this machine. One that goes away later fails the job, as an image that is removed does.
Checked check_image(const job::JobSpec& spec) {
  std::error_code unreadable;
  if (spec.image == job::kHostImage || std::filesystem::is_directory(spec.image, unreadable)) return {};
  return tl::unexpected(validation(
      fmt::format("The TrainingImage '{}' is no directory on this machine. Give the absolute path of a directory that "
                  "holds an image's root file system, or '{}' for the programs of the machine itself.",
                  spec.image, job::kHostImage)));
}

Checked check_places(const Backends& backends, const job::JobSpec& spec) {
  for (const auto& channel : spec.channels)
    if (auto found = check_input(backends, spec, channel); !found) return found;
  if (auto there = check_bucket(backends, "OutputDataConfig.S3OutputPath", spec.output_path); !there) return there;
  if (!spec.checkpoint) return {};
  return check_bucket(backends, "CheckpointConfig.S3Uri", spec.checkpoint->s3_uri);
}

}  // namespace

void create_training_job(const Call& call, Answer answer) {
  const Backends& backends = call.backends;
  const auto by_name = [&](const std::string& arn_or_name) { return find_algorithm(backends, arn_or_name); };
  auto made = make_training_job(call.request, {backends.account, backends.region, by_name});
  if (!made) return answer(tl::unexpected(made.error()));
  if (const auto uri = forbidden_uri(call.principal.policy, made->spec); !uri.empty())
    return answer(tl::unexpected(not_authorized(call.principal.name, "sagemaker:CreateTrainingJob", uri)));
  // Asked again by the engine, which alone can be sure; asked here so that a taken name is the first thing said.
  const auto taken = backends.store.exists(made->spec.name);
  if (!taken) return answer(tl::unexpected(to_api_error(taken.error())));
  if (*taken) return answer(tl::unexpected(resource_in_use(made->spec.arn)));
  if (auto there = check_image(made->spec); !there) return answer(tl::unexpected(there.error()));
  if (auto there = check_places(backends, made->spec); !there) return answer(tl::unexpected(there.error()));
  const auto newest = made->spec.checkpoint ? newest_fence(backends, made->spec.checkpoint->s3_uri) : Fence{};
  if (!newest) return answer(tl::unexpected(newest.error()));

  const std::string arn = made->spec.arn;
  auto spec = std::make_shared<const job::JobSpec>(std::move(made->spec));
  auto done = [arn, answer = std::move(answer)](const Result<void>& created) {
    if (!created && created.error().kind == Kind::conflict) return answer(tl::unexpected(resource_in_use(arn)));
    if (!created && created.error().kind == Kind::invalid)
      return answer(tl::unexpected(validation(created.error().message)));
    if (!created) return answer(tl::unexpected(to_api_error(created.error())));
    const nlohmann::json output = {{"TrainingJobArn", arn}};
    answer(dump(output));
  };
  backends.engine.create({std::move(spec), {std::move(made->request_json), std::move(made->tags)}, *newest},
                         std::move(done));
}

}  // namespace holdfast::api::operations
