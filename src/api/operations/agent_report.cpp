// What an agent has to tell: answered only once all of it is durable, so that the agent may forget it.
#include <fmt/format.h>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <variant>

#include "api/operations/agent_samples.hpp"
#include "api/operations/operations.hpp"
#include "base/log.hpp"
#include "base/overload.hpp"
#include "job/codec.hpp"
#include "ports/control_link.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

constexpr std::size_t kMaxEvents = 1000;
constexpr std::size_t kMaxLogBatches = 1000;
constexpr std::size_t kMaxLinesPerBatch = 20'000;
constexpr std::size_t kMaxStreamName = 512;
constexpr std::size_t kMaxReason = 16 * 1024;
constexpr std::int64_t kMaxTimestampMs = 100'000'000'000'000;  // the year 5138

template <class T>
using Checked = tl::expected<T, ApiError>;

tl::unexpected<ApiError> wrong(std::string message) { return tl::unexpected(validation(std::move(message))); }

// What lies outside could not be reckoned with: a minute after the last instant there is would be long ago.
bool in_a_calendar(std::int64_t ms) { return ms >= 0 && ms <= kMaxTimestampMs; }

// An attempt may speak of itself only: what the user, the market or the clock says does not come from here.
bool may_say(const job::Event& event, Fence fence) {
  return std::visit(
      Overload{
          [&](const job::AgentStarted& started) { return started.fence == fence; },
          [&](const job::ProgramStarted& started) {
            return started.fence == fence && (!started.restored || started.restored->fence <= fence);
          },
          [&](const job::CheckpointSaved& saved) { return saved.fence == fence && saved.generation.fence == fence; },
          [&](const job::ProgramEnded& ended) { return ended.fence == fence; },
          // The machine may warn its agent before the provider hears of it, as at a shutdown.
          [&](const job::NoticeReceived& notice) { return notice.fence == fence; },
          [&](const job::AttemptEnded& ended) { return ended.fence == fence && ended.reason.size() <= kMaxReason; },
          [](const auto&) { return false; }},
      event);
}

Checked<std::vector<job::Event>> events_of(const json& request, Fence fence) {
  std::vector<job::Event> events;
  const json list = request.value("Events", json::array());
  if (!list.is_array() || list.size() > kMaxEvents)
    return wrong(fmt::format("Events must be a list of at most {}.", kMaxEvents));
  for (const auto& item : list) {
    auto event = job::decode_event(dump(item));
    if (!event) return wrong(event.error().message);
    if (!may_say(*event, fence))
      return wrong(fmt::format("{} is not for attempt {} to say.", job::event_name(*event), fence.value));
    if (const auto* notice = std::get_if<job::NoticeReceived>(&*event);
        notice && !in_a_calendar(to_ms(notice->deadline)))
      return wrong("A notice's deadline lies outside all calendars.");
    if (const auto* saved = std::get_if<job::CheckpointSaved>(&*event);
        saved && (saved->took < Duration{0} || saved->took > job::kLongestSave))
      return wrong("A checkpoint took less than nothing, or more than a day.");
    events.push_back(std::move(*event));
  }
  return events;
}

Checked<ports::LogEvent> line_of(const json& line) {
  if (!line.is_array() || line.size() != 2 || !line[0].is_number_integer() || !line[1].is_string())
    return wrong("A log line must be [timestamp in milliseconds, message].");
  const auto at = line[0].get<std::int64_t>();
  if (!in_a_calendar(at)) return wrong("A log line's timestamp lies outside all calendars.");
  return ports::LogEvent{at, 0, line[1].get<std::string>()};
}

Checked<ports::LogBatch> batch_of(const json& item, const std::string& job) {
  if (!item.is_object()) return wrong("Logs must be a list of objects.");
  const json sequence = item.value("Sequence", json());
  const json stream = item.value("Stream", json());
  const json lines = item.value("Lines", json());
  if (!sequence.is_number_unsigned()) return wrong("Sequence must be a number from 0.");
  // An attempt must not write into another job's log.
  if (!stream.is_string() || !stream.get_ref<const std::string&>().starts_with(job + "/") ||
      stream.get_ref<const std::string&>().size() > kMaxStreamName) {
    return wrong("Stream must be the job's name, a slash, and a word.");
  }
  if (!lines.is_array() || lines.size() > kMaxLinesPerBatch)
    return wrong(fmt::format("Lines must be a list of at most {}.", kMaxLinesPerBatch));
  ports::LogBatch batch{sequence.get<std::uint64_t>(), stream.get<std::string>(), {}};
  batch.lines.reserve(lines.size());
  for (const auto& line : lines) {
    auto event = line_of(line);
    if (!event) return tl::unexpected(event.error());
    batch.lines.push_back(std::move(*event));
  }
  return batch;
}

Checked<std::vector<ports::LogBatch>> logs_of(const json& request, const std::string& job) {
  std::vector<ports::LogBatch> batches;
  const json list = request.value("Logs", json::array());
  if (!list.is_array() || list.size() > kMaxLogBatches)
    return wrong(fmt::format("Logs must be a list of at most {}.", kMaxLogBatches));
  for (const auto& item : list) {
    auto batch = batch_of(item, job);
    if (!batch) return tl::unexpected(batch.error());
    batches.push_back(std::move(*batch));
  }
  return batches;
}

std::uint64_t bytes_of(const ports::LogBatch& batch) {
  std::uint64_t bytes = 0;
  for (const auto& line : batch.lines) bytes += line.message.size();
  return bytes;
}

Checked<void> keep_logs(const Call& call, const JobName& name, Fence fence,
                        const std::vector<ports::LogBatch>& batches) {
  const auto spec = call.specs.get(name, fence);
  if (!spec) return tl::unexpected(to_api_error(spec.error()));
  for (const auto& batch : batches) {
    const auto kept =
        call.backends.telemetry.append(name, fence, batch.sequence, batch.stream, (*spec)->metrics, batch.lines);
    if (kept) call.backends.counters.log(batch.lines.size(), bytes_of(batch));
    // A newer attempt writes the log by now. Told of an error, the older one would send the same for ever.
    if (!kept && kept.error().kind != Kind::conflict) return tl::unexpected(to_api_error(kept.error()));
  }
  return {};
}

}  // namespace

void agent_report(const Call& call, Answer answer) {
  const JobName name{call.request.at("TrainingJobName").get<std::string>()};
  const Fence fence{call.request.at("Fence").get<std::uint64_t>()};
  auto events = events_of(call.request, fence);
  if (!events) return answer(tl::unexpected(events.error()));
  const auto logs = logs_of(call.request, name.value);
  if (!logs) return answer(tl::unexpected(logs.error()));
  const auto samples = samples_of(call.request);
  if (!samples) return answer(tl::unexpected(samples.error()));
  if (auto kept = keep_logs(call, name, fence, *logs); !kept) return answer(tl::unexpected(kept.error()));
  note_checkpoints(call.backends.counters.checkpoints(), name, fence, *samples, call.backends.clock.now());
  // No training waits for these.
  if (auto kept = keep_samples(call.backends.metrics, name, fence, *samples); !kept)
    log_warn("instance metrics of job {}: {}", name.value, kept.error().message);
  if (events->empty()) return answer(std::string("{}"));
  auto done = [answer = std::move(answer)](Result<engine::Receipt> receipt) {
    // Not applied is an answer too: heard before, too late, or of an attempt that is over.
    answer(receipt ? Outcome("{}") : Outcome(tl::unexpected(to_api_error(receipt.error()))));
  };
  call.backends.engine.submit(name, std::move(*events), std::move(done));
}

}  // namespace holdfast::api::operations
