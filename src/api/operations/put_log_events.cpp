// Users' own events. What is wrong with the batch as a whole is refused; single events that are too old or too new are
// left out, and the answer says which.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/operations/log_groups.hpp"
#include "api/operations/operations.hpp"
#include "api/shapes/logs.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

constexpr std::size_t kEventOverhead = 26;  // bytes that CloudWatch counts for each event besides its message
constexpr std::size_t kMaxEventBytes = 262'144;
constexpr std::size_t kMaxBatchBytes = 1'048'576;
constexpr Duration kMaxSpan = hours{24};
constexpr Duration kMaxAhead = hours{2};
constexpr Duration kMaxAge = hours{14 * 24};

CheckedLogs<std::vector<ports::LogEvent>> events_of(const json& list) {
  std::vector<ports::LogEvent> events;
  events.reserve(list.size());
  std::size_t bytes = 0;
  for (const auto& item : list) {
    ports::LogEvent event{item.at("timestamp"), 0, item.at("message")};
    const std::size_t size = event.message.size() + kEventOverhead;
    bytes += size;
    if (size > kMaxEventBytes) {
      return tl::unexpected(
          invalid_parameter(fmt::format("Log event too large: {} bytes exceeds limit of {}", size, kMaxEventBytes)));
    }
    if (!events.empty() && event.timestamp_ms < events.back().timestamp_ms) {
      return tl::unexpected(
          invalid_parameter("Log events in a single PutLogEvents request must be in chronological order."));
    }
    events.push_back(std::move(event));
  }
  if (bytes > kMaxBatchBytes) {
    return tl::unexpected(
        invalid_parameter(fmt::format("Upload too large: {} bytes exceeds limit of {}", bytes, kMaxBatchBytes)));
  }
  if (events.back().timestamp_ms - events.front().timestamp_ms > kMaxSpan.count()) {
    return tl::unexpected(
        invalid_parameter("The batch of log events in a single PutLogEvents request cannot span more than 24 hours."));
  }
  return events;
}

// Takes out the events that are too old, expired or too new, and says where the others begin and end: the ends are
// exclusive, the start is inclusive.
json take_out_rejected(std::vector<ports::LogEvent>& events, Instant now, std::optional<int> retention_days) {
  const std::int64_t oldest = to_ms(now - kMaxAge);
  const std::int64_t newest = to_ms(now + kMaxAhead);
  const std::int64_t kept = retention_days ? to_ms(now - hours{24} * *retention_days) : 0;
  std::size_t too_old = 0, expired = 0, too_new = events.size();
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (events[i].timestamp_ms < oldest) too_old = i + 1;
    if (events[i].timestamp_ms < kept) expired = i + 1;
    if (events[i].timestamp_ms > newest) too_new = std::min(too_new, i);
  }
  json rejected = json::object();
  if (too_new < events.size()) rejected["tooNewLogEventStartIndex"] = too_new;
  if (too_old > 0) rejected["tooOldLogEventEndIndex"] = too_old;
  if (expired > 0) rejected["expiredLogEventEndIndex"] = expired;
  events.resize(too_new);
  events.erase(events.begin(),
               events.begin() + static_cast<std::ptrdiff_t>(std::min(events.size(), std::max(too_old, expired))));
  return rejected;
}

}  // namespace

void put_log_events(const Call& call, Answer answer) {
  if (auto valid = validate_for_logs(call.request, shapes::put_log_events_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const auto group = group_of(call);
  if (!group) return answer(tl::unexpected(group.error()));
  if (auto allowed = refuse_trainings_group(*group); !allowed) return answer(tl::unexpected(allowed.error()));
  auto events = events_of(call.request.at("logEvents"));
  if (!events) return answer(tl::unexpected(events.error()));
  const json rejected = take_out_rejected(*events, call.backends.clock.now(), group->retention_days);
  const auto batches = call.backends.logs.put(group->name, call.request.at("logStreamName"), *events);
  if (!batches) return answer(tl::unexpected(log_failure(batches.error())));
  // Nobody has to send it back any more, but older clients still look for it.
  json shown = {{"nextSequenceToken", fmt::format("{:056d}", *batches)}};
  if (!rejected.empty()) shown["rejectedLogEventsInfo"] = rejected;
  // The events are kept without it, as CloudWatch does in groups of classes that have none.
  if (call.request.contains("entity")) shown["rejectedEntityInfo"] = {{"errorType", "UnsupportedLogGroupType"}};
  answer(dump(shown));
}

}  // namespace holdfast::api::operations
