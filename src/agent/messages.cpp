#include "agent/messages.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "job/codec.hpp"

namespace holdfast::agent {

namespace {

using nlohmann::json;

// A program's lines may hold any bytes.
std::string dump(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

std::string encode_report(const JobName& job, Fence fence, const ports::Report& report) {
  json events = json::array();
  for (const auto& event : report.events) events.push_back(json::parse(job::encode_event(event)));
  json logs = json::array();
  for (const auto& batch : report.logs) {
    json lines = json::array();
    for (const auto& line : batch.lines) lines.push_back({line.timestamp_ms, line.message});
    logs.push_back({{"Sequence", batch.sequence}, {"Stream", batch.stream}, {"Lines", std::move(lines)}});
  }
  json message = {{"TrainingJobName", job.value}, {"Fence", fence.value}, {"Events", events}, {"Logs", logs}};
  for (const auto& sample : report.samples) {
    json values = json::object();
    for (const auto& [name, value] : sample.values) values[name] = value;
    message["Samples"].push_back({{"Timestamp", sample.timestamp_ms}, {"Values", std::move(values)}});
  }
  return dump(message);
}

std::string encode_wait(const JobName& job, Fence fence, ports::Order known) {
  // Every agent asks all the time: no tree is built for it.
  return fmt::format(R"({{"TrainingJobName":{},"Fence":{},"Known":"{}"}})", dump(job.value), fence.value,
                     ports::to_string(known));
}

Result<ports::Order> decode_order(std::string_view answer) {
  const json told = json::parse(answer, nullptr, false);
  const auto text = told.is_object() ? told.find("Order") : told.end();
  if (text != told.end() && text->is_string()) {
    if (const auto order = ports::parse_order(text->get_ref<const std::string&>())) return *order;
  }
  return fail(Kind::try_again, "{}: an order that this agent does not know", kWaitOperation);
}

}  // namespace holdfast::agent
