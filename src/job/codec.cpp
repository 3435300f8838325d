#include "job/codec.hpp"

#include <nlohmann/json.hpp>

using nlohmann::json;

// How the small words of base/ look as JSON: names as strings, fences and times (milliseconds) as numbers.
template <class Tag>
struct nlohmann::adl_serializer<holdfast::Id<Tag>> {
  static void to_json(json& j, const holdfast::Id<Tag>& id) { j = id.value; }
  static void from_json(const json& j, holdfast::Id<Tag>& id) { id.value = j.get<std::string>(); }
};
template <>
struct nlohmann::adl_serializer<holdfast::Fence> {
  static void to_json(json& j, const holdfast::Fence& fence) { j = fence.value; }
  static void from_json(const json& j, holdfast::Fence& fence) { fence.value = j.get<std::uint64_t>(); }
};
template <>
struct nlohmann::adl_serializer<holdfast::Instant> {
  static void to_json(json& j, const holdfast::Instant& at) { j = holdfast::to_ms(at); }
  static void from_json(const json& j, holdfast::Instant& at) { at = holdfast::from_ms(j.get<std::int64_t>()); }
};
template <>
struct nlohmann::adl_serializer<holdfast::Duration> {
  static void to_json(json& j, const holdfast::Duration& duration) { j = duration.count(); }
  static void from_json(const json& j, holdfast::Duration& duration) {
    duration = holdfast::Duration{j.get<std::int64_t>()};
  }
};
template <class T>
struct nlohmann::adl_serializer<std::optional<T>> {
  static void to_json(json& j, const std::optional<T>& value) { value ? j = *value : j = nullptr; }
  static void from_json(const json& j, std::optional<T>& value) {
    if (j.is_null()) {
      value.reset();
    } else {
      value = j.get<T>();
    }
  }
};

namespace holdfast {
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(GenerationId, fence, sequence)
}

namespace holdfast::job {

// A member that is missing keeps its default: that is how an older text is read by a newer version.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Placement, pool, instance_type, zone, spot, price_per_hour,
                                                on_demand_per_hour)
NLOHMANN_JSON_SERIALIZE_ENUM(InputMode,
                             {{InputMode::File, "File"}, {InputMode::Pipe, "Pipe"}, {InputMode::FastFile, "FastFile"}})
NLOHMANN_JSON_SERIALIZE_ENUM(SourceType, {{SourceType::S3Prefix, "S3Prefix"},
                                          {SourceType::ManifestFile, "ManifestFile"},
                                          {SourceType::AugmentedManifestFile, "AugmentedManifestFile"}})
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Channel, name, s3_uri, content_type, distribution, mode, type,
                                                attributes, gzip, record_io, shuffle_seed)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Checkpoint, s3_uri, local_path, keep, keep_every, keep_best)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(MetricDefinition, name, regex)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(JobSpec, name, arn, role_arn, image, entrypoint, arguments,
                                                hyperparameters, environment, channels, metrics, output_path,
                                                instance_type, instance_count, volume_gb, network_isolation, spot,
                                                max_runtime, max_wait, checkpoint, max_retries, working_directory,
                                                checkpoint_markers, checkpoint_bandwidth, archive_model)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Attempt, fence, placement, requested, instance, notice, restored,
                                                program_since, saved, save_takes)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Accounts, waiting_ms, starting_ms, restoring_ms, training_ms, lost_ms,
                                                saving_ms, stopping_ms, billable_millionths, cost)

// Enumerations are stored by name, so that a new one in the middle moves none.
NLOHMANN_JSON_SERIALIZE_ENUM(Secondary, {{Secondary::Starting, "Starting"},
                                         {Secondary::Downloading, "Downloading"},
                                         {Secondary::Training, "Training"},
                                         {Secondary::Uploading, "Uploading"},
                                         {Secondary::Interrupted, "Interrupted"},
                                         {Secondary::Stopping, "Stopping"},
                                         {Secondary::Completed, "Completed"},
                                         {Secondary::Failed, "Failed"},
                                         {Secondary::Stopped, "Stopped"},
                                         {Secondary::MaxRuntimeExceeded, "MaxRuntimeExceeded"},
                                         {Secondary::MaxWaitTimeExceeded, "MaxWaitTimeExceeded"}})
NLOHMANN_JSON_SERIALIZE_ENUM(StopReason, {{StopReason::user, "user"},
                                          {StopReason::max_runtime, "max_runtime"},
                                          {StopReason::max_wait, "max_wait"}})
NLOHMANN_JSON_SERIALIZE_ENUM(Outcome, {{Outcome::failed, "failed"},
                                       {Outcome::succeeded, "succeeded"},
                                       {Outcome::program_failed, "program_failed"},
                                       {Outcome::bad_input, "bad_input"},
                                       {Outcome::reclaimed, "reclaimed"},
                                       {Outcome::stopped, "stopped"}})

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Transition, status, start, end, message)

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Waiting, not_before)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Launching, attempt)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Downloading, attempt)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Training, attempt)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Uploading, attempt)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Stopping, attempt, reason, give_up)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Ended, status, failure_reason)

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Placed, fence, placement)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(InstanceUp, fence, instance)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(LaunchRefused, fence, why)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(NoticeReceived, fence, deadline)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(InstanceGone, fence, reclaimed, why)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AgentStarted, fence)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ProgramStarted, fence, restored)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(CheckpointSaved, fence, generation, took)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ProgramEnded, fence)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AttemptEnded, fence, outcome, reason)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(LaunchInstance, fence, placement)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ReleaseInstance, fence)

// Found by argument-dependent look-up, so not in the anonymous namespace.
static void to_json(json& j, const StopRequested&) { j = json::object(); }
static void to_json(json& j, const TimeReached&) { j = json::object(); }
static void from_json(const json&, StopRequested&) {}
static void from_json(const json&, TimeReached&) {}

namespace {

constexpr int kVersion = 1;

// A variant as {"is": "Training", ...}: by name, found by trying each alternative's name.
template <class Variant, class NameOf>
json variant_to_json(const Variant& variant, NameOf name_of) {
  json j = std::visit([](const auto& value) { return json(value); }, variant);
  j["is"] = name_of(variant);
  return j;
}
template <class Variant, std::size_t I = 0, class NameOf>
Variant variant_from_json(const json& j, NameOf name_of) {
  if constexpr (I == std::variant_size_v<Variant>) {
    throw std::invalid_argument("unknown kind '" + j.at("is").get<std::string>() + "'");
  } else {
    using Alternative = std::variant_alternative_t<I, Variant>;
    if (j.at("is") == name_of(Variant{Alternative{}})) return j.get<Alternative>();
    return variant_from_json<Variant, I + 1>(j, name_of);
  }
}

template <class F>
auto parsing(std::string_view what, F read) -> Result<decltype(read())> {
  try {
    return read();
  } catch (const std::exception& error) {
    return fail(Kind::permanent, "reading a stored {}: {}", what, error.what());
  }
}

// Every number here counts something. What a fraction or a number beyond 64 bits becomes as an integer is anybody's
// guess, and agents send such texts too.
const json& only_integers(const json& root) {
  std::vector<const json*> left{&root};
  while (!left.empty()) {
    const json& value = *left.back();
    left.pop_back();
    if (value.is_number_float()) throw std::invalid_argument(value.dump() + " is not an integer of 64 bits");
    if (!value.is_structured()) continue;
    for (const json& element : value) left.push_back(&element);
  }
  return root;
}

// Text that came from outside may hold anything; what is stored must be JSON all the same.
std::string dump(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

json spec_to_json(const JobSpec& spec) { return spec; }
Result<JobSpec> spec_from_json(const json& j) {
  return parsing("job specification", [&] { return only_integers(j).get<JobSpec>(); });
}
std::string encode_spec(const JobSpec& spec) { return dump(json(spec)); }
Result<JobSpec> decode_spec(std::string_view text) {
  return parsing("job specification", [&] { return only_integers(json::parse(text)).get<JobSpec>(); });
}

std::string encode_job(const Job& job) {
  return dump(json{{"v", kVersion},
                   {"version", job.version},
                   {"created", job.created},
                   {"state", variant_to_json(job.state, state_name)},
                   {"transitions", job.transitions},
                   {"accounts", job.accounts},
                   {"booked_until", job.booked_until},
                   {"attempts", job.attempts},
                   {"interruptions", job.interruptions},
                   {"retries", job.retries},
                   {"failures_in_a_row", job.failures_in_a_row},
                   {"first_started", job.first_started},
                   {"last_generation", job.last_generation}});
}

Result<Job> decode_job(std::string_view text, std::shared_ptr<const JobSpec> spec) {
  return parsing("job", [&] {
    const json j = json::parse(text);
    only_integers(j);
    if (j.at("v").get<int>() > kVersion) throw std::invalid_argument("written by a newer version of Holdfast");
    Job job;
    job.spec = std::move(spec);
    job.version = j.at("version");
    job.created = j.at("created");
    job.state = variant_from_json<State>(j.at("state"), state_name);
    job.transitions = j.at("transitions").get<std::vector<Transition>>();
    job.accounts = j.at("accounts");
    job.booked_until = j.at("booked_until");
    job.attempts = j.at("attempts");
    job.interruptions = j.at("interruptions");
    job.retries = j.at("retries");
    job.failures_in_a_row = j.at("failures_in_a_row");
    job.first_started = j.at("first_started").get<std::optional<Instant>>();
    job.last_generation = j.at("last_generation").get<std::optional<GenerationId>>();
    if (job.transitions.empty()) throw std::invalid_argument("no transitions");
    return job;
  });
}

std::string encode_event(const Event& event) { return dump(variant_to_json(event, event_name)); }
Result<Event> decode_event(std::string_view text) {
  return parsing("event", [&] { return variant_from_json<Event>(only_integers(json::parse(text)), event_name); });
}
std::string encode_effect(const Effect& effect) { return dump(variant_to_json(effect, effect_name)); }
Result<Effect> decode_effect(std::string_view text) {
  return parsing("effect", [&] { return variant_from_json<Effect>(only_integers(json::parse(text)), effect_name); });
}

}  // namespace holdfast::job
