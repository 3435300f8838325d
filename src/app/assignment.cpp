#include "app/assignment.hpp"

#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.hpp"
#include "job/codec.hpp"

namespace holdfast::app {

using nlohmann::json;

namespace {
constexpr std::size_t kMaxAssignment = 8 * 1024 * 1024;
constexpr std::size_t kMaxEndpoint = 4096;

std::optional<Duration> duration_of(const json& about, const char* name) {
  const json value = about.value(name, json());
  if (!value.is_number_integer() || value.get<std::int64_t>() < 0) return std::nullopt;
  return std::min(Duration{value.get<std::int64_t>()}, checkpoint::kLongestEstimate);
}

// As of now: a service that comes back at another address is not found by programs that run already.
std::optional<agent::S3Access> s3_access(const json& assignment, const std::filesystem::path& endpoint_file) {
  auto endpoint = read_file(endpoint_file, kMaxEndpoint);
  if (!assignment.contains("s3") || !endpoint) return std::nullopt;
  while (endpoint->ends_with('\n')) endpoint->pop_back();
  return agent::S3Access{std::move(*endpoint), assignment["s3"].at("access_key"), assignment["s3"].at("secret")};
}

// What other jobs keep in a directory is theirs.
std::vector<std::filesystem::path> hidden_places(const std::vector<objects::BucketPlace>& places) {
  std::vector<std::filesystem::path> hidden;
  for (const auto& place : places) {
    if (!place.is_directory()) continue;
    const std::filesystem::path root(place.directory);
    hidden.push_back(place.bucket == objects::kEveryOtherBucket ? root : root / place.bucket);
  }
  return hidden;
}

// The text of a job's specification may be older or newer than the rules for its tags.
Result<checkpoint::RetentionPolicy> retention_of(const job::Checkpoint& checkpoint) {
  if (checkpoint.keep < checkpoint::kMinKeep)
    return fail(Kind::permanent, "reading an assignment: {} checkpoints cannot be kept", checkpoint.keep);
  return checkpoint::RetentionPolicy{.keep = static_cast<std::size_t>(checkpoint.keep),
                                     .every = checkpoint.keep_every,
                                     .best = checkpoint::parse_keep_best(checkpoint.keep_best)};
}
}  // namespace

std::string encode_assignment(const ServiceFacts& facts, const job::JobSpec& spec, Instant created, Fence fence,
                              const std::string& token, const aws::Credentials& s3) {
  return json{{"v", 1},
              {"fence", fence.value},
              {"token", token},
              {"s3", {{"access_key", s3.access_key}, {"secret", s3.secret}}},
              {"data", facts.data.string()},
              {"endpoint_file", facts.endpoint_file.string()},
              {"objects", facts.objects.string()},
              {"region", facts.region},
              {"buckets", json::parse(objects::encode_places(facts.places))},
              {"stream", fmt::format("{}/{}-{}", spec.name.value, agent::kHostName, to_epoch_seconds(created))},
              {"spec", job::spec_to_json(spec)}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<AgentFacts> read_assignment(const std::filesystem::path& directory) {
  auto text = read_file(directory / "assignment.json", kMaxAssignment);
  if (!text) return fail(text.error());
  try {
    const json j = json::parse(*text);
    auto spec = job::spec_from_json(j.at("spec"));
    if (!spec) return fail(spec.error());
    if (!j.at("fence").is_number_unsigned())
      return fail(Kind::permanent, "reading the assignment in {}: its fence is no number from 0", directory.string());
    AgentFacts facts;
    facts.token = j.at("token");
    facts.service = {j.at("data").get<std::string>(),
                     j.at("endpoint_file").get<std::string>(),
                     j.at("objects").get<std::string>(),
                     j.at("region").get<std::string>(),
                     {}};
    if (j.contains("buckets")) {
      auto places = objects::parse_places(j["buckets"].dump());
      if (!places) return fail(places.error());
      facts.service.places = std::move(*places);
    }
    const auto hidden = hidden_places(facts.service.places);
    facts.assignment.spec = std::move(*spec);
    if (facts.assignment.spec.checkpoint) {
      auto retention = retention_of(*facts.assignment.spec.checkpoint);
      if (!retention) return fail(retention.error());
      facts.assignment.sync.retention = std::move(*retention);
    }
    facts.assignment.fence = Fence{j.at("fence").get<std::uint64_t>()};
    facts.assignment.stream = j.at("stream");
    facts.machine.directory = directory;
    facts.machine.hidden = {facts.service.data};
    facts.machine.hidden.insert(facts.machine.hidden.end(), hidden.begin(), hidden.end());
    facts.machine.instance.region = facts.service.region;
    facts.machine.instance.s3 = s3_access(j, facts.service.endpoint_file);
    facts.machine.instance.cpus = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    if (const auto instance = read_file(directory / "instance.json", kMaxAssignment)) {
      const json about = json::parse(*instance);
      facts.machine.devices = about.value("gpus", std::vector<std::string>{});
      facts.assignment.safety.capacity = {duration_of(about, "notice_ms"), duration_of(about, "lifetime_ms")};
    }
    facts.machine.instance.gpus = static_cast<int>(facts.machine.devices.size());
    return facts;
  } catch (const json::exception& error) {
    return fail(Kind::permanent, "reading the assignment in {}: {}", directory.string(), error.what());
  }
}

}  // namespace holdfast::app
