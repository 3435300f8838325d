#include "api/events/state_change.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/random.hpp"

namespace holdfast::api::events {

using nlohmann::json;

namespace {

constexpr const char* kDetailType = "SageMaker Training Job State Change";
// What only an ended job has.
constexpr const char* kOutcome[] = {"TrainingEndTime", "TrainingTimeInSeconds", "BillableTimeInSeconds",
                                    "FailureReason", "FinalMetricDataList"};

std::int64_t to_event_time(const json& seconds) { return std::llround(seconds.get<double>() * 1000.0); }

void turn_times(json& structure) {
  for (auto& [name, value] : structure.items()) {
    if (value.is_number() && name.ends_with("Time")) value = to_event_time(value);
  }
}

// The job's n-th status, as its number: from the same change always the same UUID.
std::string id_of(const job::Job& job, std::size_t index) {
  std::uint64_t seed = 0;
  for (const char c : job.spec->arn) seed = mix(seed, static_cast<unsigned char>(c));
  SeededRandom random(mix(mix(seed, job.version), index) ^ static_cast<std::uint64_t>(to_ms(job.created)));
  return random_uuid(random);
}

// While a job stops it may still upload; before, whatever is not the end is InProgress.
const char* primary_at(const job::Job& job, std::size_t index) {
  const auto end = job.transitions.begin() + static_cast<std::ptrdiff_t>(index) + 1;
  const bool stopping = std::any_of(job.transitions.begin(), end, [](const job::Transition& transition) {
    return transition.status == job::Secondary::Stopping;
  });
  return stopping ? "Stopping" : "InProgress";
}

json detail_at(const ports::StoredJob& stored, const json& described, std::size_t index) {
  const auto& job = stored.job;
  json detail = described;
  detail["Tags"] = json::object();
  for (const auto& [key, value] : stored.origin.tags) detail["Tags"][key] = value;
  auto& transitions = detail["SecondaryStatusTransitions"];
  if (index + 1 < job.transitions.size()) {
    transitions.erase(transitions.begin() + static_cast<json::difference_type>(index) + 1, transitions.end());
    transitions.back().erase("EndTime");
    detail["SecondaryStatus"] = to_string(job.transitions[index].status);
    detail["TrainingJobStatus"] = primary_at(job, index);
    detail["LastModifiedTime"] = transitions.back()["StartTime"];
    for (const char* member : kOutcome) detail.erase(member);
  }
  turn_times(detail);
  for (auto& transition : transitions) turn_times(transition);
  return detail;
}

}  // namespace

std::vector<Event> events_of(const ports::StatusChange& change, const json& described, const std::string& account,
                             const std::string& region) {
  const auto& job = change.job.job;
  const auto count = job.transitions.size();
  std::vector<Event> events;
  for (auto index = std::min(change.transitions_before, count - 1); index < count; ++index) {
    const json event = {{"version", "0"},
                        {"id", id_of(job, index)},
                        {"detail-type", kDetailType},
                        {"source", "aws.sagemaker"},
                        {"account", account},
                        {"time", to_iso8601(job.transitions[index].start).substr(0, 19) + "Z"},
                        {"region", region},
                        {"resources", {job.spec->arn}},
                        {"detail", detail_at(change.job, described, index)}};
    events.push_back({event["id"], event.dump(-1, ' ', false, json::error_handler_t::replace)});
  }
  return events;
}

}  // namespace holdfast::api::events
