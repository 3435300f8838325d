#include "job/codec.hpp"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "base/utf8.hpp"

namespace holdfast::job {
namespace {

using std::literals::operator""sv;

constexpr int kVersion = 1;

// ---- the members of each struct, by name, for reading and for writing

template <class T, class Struct>
concept Is = std::same_as<std::remove_const_t<T>, Struct>;

void each_member(Is<GenerationId> auto& x, auto&& member) {
  member("fence"sv, x.fence);
  member("sequence"sv, x.sequence);
}
void each_member(Is<Placement> auto& x, auto&& member) {
  member("pool"sv, x.pool);
  member("instance_type"sv, x.instance_type);
  member("zone"sv, x.zone);
  member("spot"sv, x.spot);
  member("price_per_hour"sv, x.price_per_hour);
  member("on_demand_per_hour"sv, x.on_demand_per_hour);
}
void each_member(Is<Channel> auto& x, auto&& member) {
  member("name"sv, x.name);
  member("s3_uri"sv, x.s3_uri);
  member("content_type"sv, x.content_type);
  member("distribution"sv, x.distribution);
  member("mode"sv, x.mode);
  member("type"sv, x.type);
  member("attributes"sv, x.attributes);
  member("gzip"sv, x.gzip);
  member("record_io"sv, x.record_io);
  member("shuffle_seed"sv, x.shuffle_seed);
}
void each_member(Is<Checkpoint> auto& x, auto&& member) {
  member("s3_uri"sv, x.s3_uri);
  member("local_path"sv, x.local_path);
  member("keep"sv, x.keep);
  member("keep_every"sv, x.keep_every);
  member("keep_best"sv, x.keep_best);
}
void each_member(Is<MetricDefinition> auto& x, auto&& member) {
  member("name"sv, x.name);
  member("regex"sv, x.regex);
}
void each_member(Is<JobSpec> auto& x, auto&& member) {
  member("name"sv, x.name);
  member("arn"sv, x.arn);
  member("role_arn"sv, x.role_arn);
  member("image"sv, x.image);
  member("entrypoint"sv, x.entrypoint);
  member("arguments"sv, x.arguments);
  member("hyperparameters"sv, x.hyperparameters);
  member("environment"sv, x.environment);
  member("channels"sv, x.channels);
  member("metrics"sv, x.metrics);
  member("output_path"sv, x.output_path);
  member("instance_type"sv, x.instance_type);
  member("instance_count"sv, x.instance_count);
  member("volume_gb"sv, x.volume_gb);
  member("network_isolation"sv, x.network_isolation);
  member("spot"sv, x.spot);
  member("max_runtime"sv, x.max_runtime);
  member("max_wait"sv, x.max_wait);
  member("checkpoint"sv, x.checkpoint);
  member("max_retries"sv, x.max_retries);
  member("working_directory"sv, x.working_directory);
  member("checkpoint_markers"sv, x.checkpoint_markers);
  member("checkpoint_bandwidth"sv, x.checkpoint_bandwidth);
  member("archive_model"sv, x.archive_model);
}
void each_member(Is<Attempt> auto& x, auto&& member) {
  member("fence"sv, x.fence);
  member("placement"sv, x.placement);
  member("requested"sv, x.requested);
  member("instance"sv, x.instance);
  member("notice"sv, x.notice);
  member("restored"sv, x.restored);
  member("program_since"sv, x.program_since);
  member("saved"sv, x.saved);
  member("save_takes"sv, x.save_takes);
}
void each_member(Is<Accounts> auto& x, auto&& member) {
  member("waiting_ms"sv, x.waiting_ms);
  member("starting_ms"sv, x.starting_ms);
  member("restoring_ms"sv, x.restoring_ms);
  member("training_ms"sv, x.training_ms);
  member("lost_ms"sv, x.lost_ms);
  member("saving_ms"sv, x.saving_ms);
  member("stopping_ms"sv, x.stopping_ms);
  member("billable_millionths"sv, x.billable_millionths);
  member("cost"sv, x.cost);
}
void each_member(Is<Transition> auto& x, auto&& member) {
  member("status"sv, x.status);
  member("start"sv, x.start);
  member("end"sv, x.end);
  member("message"sv, x.message);
}
// Its spec is stored by itself.
void each_member(Is<Job> auto& x, auto&& member) {
  member("version"sv, x.version);
  member("created"sv, x.created);
  member("state"sv, x.state);
  member("transitions"sv, x.transitions);
  member("accounts"sv, x.accounts);
  member("booked_until"sv, x.booked_until);
  member("attempts"sv, x.attempts);
  member("interruptions"sv, x.interruptions);
  member("retries"sv, x.retries);
  member("failures_in_a_row"sv, x.failures_in_a_row);
  member("first_started"sv, x.first_started);
  member("last_generation"sv, x.last_generation);
}

void each_member(Is<Waiting> auto& x, auto&& member) { member("not_before"sv, x.not_before); }
void each_member(Is<Launching> auto& x, auto&& member) { member("attempt"sv, x.attempt); }
void each_member(Is<Downloading> auto& x, auto&& member) { member("attempt"sv, x.attempt); }
void each_member(Is<Training> auto& x, auto&& member) { member("attempt"sv, x.attempt); }
void each_member(Is<Uploading> auto& x, auto&& member) { member("attempt"sv, x.attempt); }
void each_member(Is<Stopping> auto& x, auto&& member) {
  member("attempt"sv, x.attempt);
  member("reason"sv, x.reason);
  member("give_up"sv, x.give_up);
}
void each_member(Is<Ended> auto& x, auto&& member) {
  member("status"sv, x.status);
  member("failure_reason"sv, x.failure_reason);
}

void each_member(Is<StopRequested> auto&, const auto&) {}
void each_member(Is<Placed> auto& x, auto&& member) {
  member("fence"sv, x.fence);
  member("placement"sv, x.placement);
}
void each_member(Is<InstanceUp> auto& x, auto&& member) {
  member("fence"sv, x.fence);
  member("instance"sv, x.instance);
}
void each_member(Is<LaunchRefused> auto& x, auto&& member) {
  member("fence"sv, x.fence);
  member("why"sv, x.why);
}
void each_member(Is<NoticeReceived> auto& x, auto&& member) {
  member("fence"sv, x.fence);
  member("deadline"sv, x.deadline);
}
void each_member(Is<InstanceGone> auto& x, auto&& member) {
  member("fence"sv, x.fence);
  member("reclaimed"sv, x.reclaimed);
  member("why"sv, x.why);
}
void each_member(Is<AgentStarted> auto& x, auto&& member) { member("fence"sv, x.fence); }
void each_member(Is<ProgramStarted> auto& x, auto&& member) {
  member("fence"sv, x.fence);
  member("restored"sv, x.restored);
}
void each_member(Is<CheckpointSaved> auto& x, auto&& member) {
  member("fence"sv, x.fence);
  member("generation"sv, x.generation);
  member("took"sv, x.took);
}
void each_member(Is<ProgramEnded> auto& x, auto&& member) { member("fence"sv, x.fence); }
void each_member(Is<AttemptEnded> auto& x, auto&& member) {
  member("fence"sv, x.fence);
  member("outcome"sv, x.outcome);
  member("reason"sv, x.reason);
}
void each_member(Is<TimeReached> auto&, const auto&) {}
void each_member(Is<LaunchInstance> auto& x, auto&& member) {
  member("fence"sv, x.fence);
  member("placement"sv, x.placement);
}
void each_member(Is<ReleaseInstance> auto& x, auto&& member) { member("fence"sv, x.fence); }

struct NoMatter {
  void operator()(std::string_view, const auto&) const {}
};
template <class T>
concept Struct = requires(T& x) {
  each_member(x, NoMatter{});
};

// ---- enumerations are stored by name, so that a new one in the middle moves none. A name that this version does not
// know is read as the first.

template <class E>
using Names = std::pair<E, const char*>;

constexpr Names<InputMode> kInputModes[] = {
    {InputMode::File, "File"}, {InputMode::Pipe, "Pipe"}, {InputMode::FastFile, "FastFile"}};
constexpr Names<SourceType> kSourceTypes[] = {{SourceType::S3Prefix, "S3Prefix"},
                                              {SourceType::ManifestFile, "ManifestFile"},
                                              {SourceType::AugmentedManifestFile, "AugmentedManifestFile"}};
constexpr Names<Secondary> kSecondaries[] = {{Secondary::Starting, "Starting"},
                                             {Secondary::Downloading, "Downloading"},
                                             {Secondary::Training, "Training"},
                                             {Secondary::Uploading, "Uploading"},
                                             {Secondary::Interrupted, "Interrupted"},
                                             {Secondary::Stopping, "Stopping"},
                                             {Secondary::Completed, "Completed"},
                                             {Secondary::Failed, "Failed"},
                                             {Secondary::Stopped, "Stopped"},
                                             {Secondary::MaxRuntimeExceeded, "MaxRuntimeExceeded"},
                                             {Secondary::MaxWaitTimeExceeded, "MaxWaitTimeExceeded"}};
constexpr Names<StopReason> kStopReasons[] = {
    {StopReason::user, "user"}, {StopReason::max_runtime, "max_runtime"}, {StopReason::max_wait, "max_wait"}};
constexpr Names<Outcome> kOutcomes[] = {
    {Outcome::failed, "failed"},       {Outcome::succeeded, "succeeded"}, {Outcome::program_failed, "program_failed"},
    {Outcome::bad_input, "bad_input"}, {Outcome::reclaimed, "reclaimed"}, {Outcome::stopped, "stopped"}};

constexpr const auto& names_of(InputMode) { return kInputModes; }
constexpr const auto& names_of(SourceType) { return kSourceTypes; }
constexpr const auto& names_of(Secondary) { return kSecondaries; }
constexpr const auto& names_of(StopReason) { return kStopReasons; }
constexpr const auto& names_of(Outcome) { return kOutcomes; }

// ---- a variant is {"is": "Training", ...}

const char* name_of(const State& state) { return state_name(state); }
const char* name_of(const Event& event) { return event_name(event); }
const char* name_of(const Effect& effect) { return effect_name(effect); }

// ---- writing: names as strings, fences and times (milliseconds) as numbers

class Write {
 public:
  // A whole value, or the members of an object one by one.
  template <class T>
  static std::string whole(const T& value) {
    Write out;
    out.put(value);
    return out.text();
  }
  Write& begin() {
    out_.StartObject();
    return *this;
  }
  std::string end() {
    out_.EndObject();
    return text();
  }

  void operator()(std::string_view name, const auto& value) {
    out_.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
    put(value);
  }

  // Text that came from outside may hold anything; what is stored must be JSON all the same.
  void put(std::string_view text) {
    if (!is_utf8(text)) return put(valid_utf8(text));
    out_.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  }
  void put(const std::string& text) { put(std::string_view(text)); }
  void put(bool value) { out_.Bool(value); }
  void put(std::signed_integral auto value) { out_.Int64(value); }
  void put(std::unsigned_integral auto value) { out_.Uint64(value); }
  template <class Tag>
  void put(const Id<Tag>& id) {
    put(std::string_view(id.value));
  }
  void put(Fence fence) { put(fence.value); }
  void put(Instant at) { put(to_ms(at)); }
  void put(Duration duration) { put(duration.count()); }
  template <class E>
  requires std::is_enum_v<E>
  void put(E value) {
    for (const auto& [each, name] : names_of(value)) {
      if (each == value) return put(std::string_view(name));
    }
  }
  template <class T>
  void put(const std::optional<T>& value) {
    value ? put(*value) : static_cast<void>(out_.Null());
  }
  template <class T>
  void put(const std::vector<T>& list) {
    out_.StartArray();
    for (const auto& element : list) put(element);
    out_.EndArray();
  }
  void put(const std::map<std::string, std::string>& map) {
    out_.StartObject();
    for (const auto& [key, value] : map) {
      put(std::string_view(key));  // to the writer a key is a string like any other
      put(std::string_view(value));
    }
    out_.EndObject();
  }
  template <Struct T>
  void put(const T& value) {
    out_.StartObject();
    each_member(value, *this);
    out_.EndObject();
  }
  template <class... Alternatives>
  void put(const std::variant<Alternatives...>& variant) {
    out_.StartObject();
    (*this)("is", std::string_view(name_of(variant)));
    std::visit([this](const auto& value) { each_member(value, *this); }, variant);
    out_.EndObject();
  }

 private:
  std::string text() const { return {buffer_.GetString(), buffer_.GetSize()}; }

  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> out_{buffer_};
};

// ---- reading. Every number here counts something: what a fraction or a number beyond its type becomes as an integer
// is anybody's guess, and agents send such texts too, so none is taken.

struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using Value = rapidjson::Value;

std::string_view text_of(const Value& in) {
  if (!in.IsString()) throw Refused("something is no string that must be one");
  return {in.GetString(), in.GetStringLength()};
}
void must_be_object(const Value& in) {
  if (!in.IsObject()) throw Refused("something is no object that must be one");
}

void read(const Value& in, std::string& text) { text = text_of(in); }
void read(const Value& in, bool& value) {
  if (!in.IsBool()) throw Refused("something is neither true nor false");
  value = in.GetBool();
}
template <std::integral Integer>
void read(const Value& in, Integer& value) {
  const bool fits = in.IsInt64()    ? std::in_range<Integer>(in.GetInt64())
                    : in.IsUint64() ? std::in_range<Integer>(in.GetUint64())
                                    : false;
  if (!fits) throw Refused("a number is no integer, or too large");
  value = in.IsInt64() ? static_cast<Integer>(in.GetInt64()) : static_cast<Integer>(in.GetUint64());
}
template <class Tag>
void read(const Value& in, Id<Tag>& id) {
  id.value = text_of(in);
}
void read(const Value& in, Fence& fence) { read(in, fence.value); }
void read(const Value& in, Instant& at) {
  std::int64_t ms = 0;
  read(in, ms);
  at = from_ms(ms);
}
void read(const Value& in, Duration& duration) {
  std::int64_t ms = 0;
  read(in, ms);
  duration = Duration{ms};
}
template <class E>
requires std::is_enum_v<E>
void read(const Value& in, E& value) {
  const auto& names = names_of(value);
  const auto text = text_of(in);
  value = names[0].first;
  for (const auto& [each, name] : names) {
    if (text == name) value = each;
  }
}
void read(const Value& in, std::map<std::string, std::string>& map) {
  must_be_object(in);
  map.clear();
  for (const auto& [key, value] : in.GetObject()) read(value, map[std::string(text_of(key))]);
}
template <Struct T>
void read(const Value& in, T& value);
template <class T>
void read(const Value& in, std::optional<T>& value);
template <class T>
void read(const Value& in, std::vector<T>& list);
template <class... Alternatives>
void read(const Value& in, std::variant<Alternatives...>& variant);

// How many of the members are there. One that is missing keeps its default: that is how an older text is read by a
// newer version.
template <Struct T>
int read_members(const Value& in, T& value) {
  must_be_object(in);
  int found = 0;
  auto next = in.MemberBegin();
  each_member(value, [&](std::string_view name, auto& member) {
    // They come in the order in which they were written, which is this one, unless another version wrote them.
    const bool in_order = next != in.MemberEnd() && text_of(next->name) == name;
    const auto given = in_order ? next : in.FindMember(Value(rapidjson::StringRef(name.data(), name.size())));
    if (given == in.MemberEnd()) return;
    read(given->value, member);
    next = given + 1;
    ++found;
  });
  return found;
}
template <Struct T>
void read(const Value& in, T& value) {
  read_members(in, value);
}
template <class T>
void read(const Value& in, std::optional<T>& value) {
  value.reset();
  if (!in.IsNull()) read(in, value.emplace());
}
template <class T>
void read(const Value& in, std::vector<T>& list) {
  if (!in.IsArray()) throw Refused("something is no list that must be one");
  list.clear();
  list.reserve(in.Size());
  for (const auto& element : in.GetArray()) read(element, list.emplace_back());
}
template <std::size_t I = 0, class Variant>
void read_alternative(const Value& in, Variant& variant, std::string_view name) {
  if constexpr (I == std::variant_size_v<Variant>) {
    throw Refused("unknown kind '" + std::string(name) + "'");
  } else {
    if (name != name_of(Variant(std::in_place_index<I>))) return read_alternative<I + 1>(in, variant, name);
    read(in, variant.template emplace<I>());
  }
}
template <class... Alternatives>
void read(const Value& in, std::variant<Alternatives...>& variant) {
  must_be_object(in);
  const auto is = in.FindMember("is");
  if (is == in.MemberEnd()) throw Refused("an object does not say what it is");
  read_alternative(in, variant, text_of(is->value));
}

template <class T, class F>
Result<T> reading(std::string_view what, std::string_view text, const F& read_from) {
  // RapidJSON's own check of UTF-8 costs as much as all the rest, and there is what it does not check.
  if (const auto good = json_prefix(text); good < text.size())
    return fail(Kind::permanent, "reading a stored {}: it is not JSON in UTF-8 (at byte {})", what, good);
  std::string own(text);
  std::array<char, 4096> room;  // most texts fit into what is on the stack already
  rapidjson::MemoryPoolAllocator<> pool(room.data(), room.size());
  rapidjson::Document in(&pool);
  // In place: strings are not copied, and there is no recursion, whatever is nested how deep.
  in.ParseInsitu<rapidjson::kParseIterativeFlag>(own.data());
  if (in.HasParseError()) {
    return fail(Kind::permanent, "reading a stored {}: {} (at byte {})", what,
                rapidjson::GetParseError_En(in.GetParseError()), in.GetErrorOffset());
  }
  try {
    T value;
    read_from(in, value);
    return value;
  } catch (const Refused& error) {
    return fail(Kind::permanent, "reading a stored {}: {}", what, error.what());
  }
}

template <class T>
Result<T> reading(std::string_view what, std::string_view text) {
  return reading<T>(what, text, [](const Value& in, T& value) { read(in, value); });
}

}  // namespace

nlohmann::json spec_to_json(const JobSpec& spec) { return nlohmann::json::parse(encode_spec(spec)); }
Result<JobSpec> spec_from_json(const nlohmann::json& json) {
  return decode_spec(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}
std::string encode_spec(const JobSpec& spec) { return Write::whole(spec); }
Result<JobSpec> decode_spec(std::string_view text) { return reading<JobSpec>("job specification", text); }

std::string encode_job(const Job& job) {
  Write out;
  out.begin()("v", kVersion);
  each_member(job, out);
  return out.end();
}

Result<Job> decode_job(std::string_view text, std::shared_ptr<const JobSpec> spec) {
  return reading<Job>("job", text, [&](const Value& in, Job& job) {
    must_be_object(in);
    const auto version = in.FindMember("v");
    if (version == in.MemberEnd()) throw Refused("it does not say which version wrote it");
    int written_by = 0;
    read(version->value, written_by);
    if (written_by > kVersion) throw Refused("written by a newer version of Holdfast");
    int all = 0;
    each_member(job, [&](std::string_view, const auto&) { ++all; });
    if (read_members(in, job) != all) throw Refused("a member is missing");
    if (job.transitions.empty()) throw Refused("no transitions");
    job.spec = std::move(spec);
  });
}

std::string encode_event(const Event& event) { return Write::whole(event); }
Result<Event> decode_event(std::string_view text) { return reading<Event>("event", text); }
std::string encode_effect(const Effect& effect) { return Write::whole(effect); }
Result<Effect> decode_effect(std::string_view text) { return reading<Effect>("effect", text); }

}  // namespace holdfast::job
