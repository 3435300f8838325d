#include "api/wire/exchange.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "api/rules.hpp"
#include "api/wire/cbor.hpp"
#include "api/wire/form.hpp"
#include "api/wire/json_floats.hpp"
#include "api/wire/query_errors.hpp"
#include "api/wire/xml_answer.hpp"

namespace holdfast::api::wire {
namespace {

using nlohmann::json;

// The services that are spoken to in forms, by the version that every form names.
struct FormService {
  std::string_view version;
  std::string_view prefix;  // of OperationEntry::target
  std::string_view service;
  std::string_view xml_namespace;
};
constexpr std::array kFormServices = {
    FormService{"2010-08-01", "GraniteServiceVersion20100801.", "monitoring",
                "http://monitoring.amazonaws.com/doc/2010-08-01/"},
    FormService{"2011-06-15", "AWSSecurityTokenServiceV20110615.", "sts", "https://sts.amazonaws.com/doc/2011-06-15/"},
    FormService{"2010-05-08", "AWSIdentityManagementV20100508.", "iam", "https://iam.amazonaws.com/doc/2010-05-08/"},
};
constexpr const FormService& kCloudWatch = kFormServices[0];

constexpr std::string_view kFormType = "application/x-www-form-urlencoded";
constexpr std::string_view kCborName = "rpc-v2-cbor";
constexpr std::string_view kServicePath = "/service/";
constexpr std::string_view kOperationPath = "/operation/";

// "GraniteServiceVersion20100801.PutMetricData" of "/service/GraniteServiceVersion20100801/operation/PutMetricData".
std::string cbor_target(std::string_view path) {
  if (!path.starts_with(kServicePath)) return {};
  path.remove_prefix(kServicePath.size());
  const auto middle = path.find(kOperationPath);
  if (middle == std::string_view::npos) return {};
  return fmt::format("{}.{}", path.substr(0, middle), path.substr(middle + kOperationPath.size()));
}

const OperationEntry* find_cbor_operation(const http::RequestHead& head) {
  const auto* entry = find_operation(cbor_target(head.path()));
  // The shape of the answer says which of its numbers are instants: only such operations can be asked for so.
  return entry && entry->input ? entry : nullptr;
}

std::string_view name_of(const OperationEntry& entry) { return entry.target.substr(entry.target.find('.') + 1); }

}  // namespace

std::optional<Protocol> protocol_of(const http::RequestHead& head) {
  if (const auto* target = head.headers.find("X-Amz-Target"))
    return target->starts_with(kCloudWatch.prefix) ? Protocol::json_1_0 : Protocol::json_1_1;
  if (head.method != "POST") return std::nullopt;
  if (head.headers.get("smithy-protocol") == kCborName) return Protocol::cbor;
  if (head.path() == "/" && head.headers.get("Content-Type").starts_with(kFormType)) return Protocol::query;
  return std::nullopt;
}

const OperationEntry* operation_of(const http::RequestHead& head) {
  switch (protocol_of(head).value_or(Protocol::json_1_1)) {
    case Protocol::json_1_1:
    case Protocol::json_1_0:
      return find_operation(head.headers.get("X-Amz-Target"));
    case Protocol::cbor:
      return find_cbor_operation(head);
    case Protocol::query:
      break;
  }
  return nullptr;
}

Exchange::Exchange(const http::RequestHead& head, std::string_view body)
    : protocol_(protocol_of(head).value_or(Protocol::json_1_1)),
      entry_(operation_of(head)),
      service_("sagemaker"),
      xml_namespace_(kCloudWatch.xml_namespace) {
  if (protocol_ == Protocol::query) {
    const auto version = find_parameter(body, "Version");
    const auto found = std::find_if(kFormServices.begin(), kFormServices.end(),
                                    [&](const FormService& form) { return version == form.version; });
    const auto& form = found == kFormServices.end() ? kCloudWatch : *found;
    service_ = form.service;
    xml_namespace_ = form.xml_namespace;
    if (found != kFormServices.end())
      entry_ = find_operation(std::string(form.prefix) + find_parameter(body, "Action").value_or(""));
  } else if (protocol_ != Protocol::json_1_1) {
    service_ = kCloudWatch.service;
  }
  if (entry_) service_ = entry_->service;
}

tl::expected<json, ApiError> Exchange::read(std::string_view body) const {
  switch (protocol_) {
    case Protocol::json_1_1:
    case Protocol::json_1_0:
      break;
    case Protocol::query:
      return read_form(body, entry_->input());
    case Protocol::cbor:
      if (body.empty()) return json::object();
      return read_cbor(body);
  }
  auto parsed = parse_body(body);
  if (parsed && entry_ && entry_->input) read_floats(*parsed, entry_->input());
  return parsed;
}

http::Response Exchange::answer(const Outcome& outcome, const std::string& request_id) const {
  auto response = outcome ? success(*outcome, request_id) : error(outcome.error(), request_id);
  response.headers.add("x-amzn-RequestId", request_id);
  return response;
}

http::Response Exchange::success(const std::string& text, const std::string& request_id) const {
  http::Response response;
  const Shape* output = entry_ && entry_->output ? &entry_->output() : nullptr;
  switch (protocol_) {
    case Protocol::json_1_1:
    case Protocol::json_1_0:
      response.headers.add("Content-Type", protocol_ == Protocol::json_1_1 ? "application/x-amz-json-1.1"
                                                                           : "application/x-amz-json-1.0");
      response.body = text;
      break;
    case Protocol::query:
      response.headers.add("Content-Type", "text/xml");
      response.body =
          answer_xml(output ? json::parse(text) : json(), output, name_of(*entry_), xml_namespace_, request_id);
      break;
    case Protocol::cbor:
      response.headers.add("smithy-protocol", std::string(kCborName));
      if (!output) break;
      response.headers.add("Content-Type", "application/cbor");
      response.body = write_cbor(json::parse(text), *output);
      break;
  }
  return response;
}

http::Response Exchange::error(const ApiError& error, const std::string& request_id) const {
  http::Response response;
  const auto in_query = query_error(error);
  response.status = protocol_ == Protocol::query ? in_query.status : error.status;
  if (protocol_ == Protocol::query) {
    response.headers.add("Content-Type", "text/xml");
    response.body = error_xml(in_query, xml_namespace_, request_id);
    return response;
  }
  response.headers.add("x-amzn-ErrorType", error.code);
  if (protocol_ == Protocol::json_1_1) {
    response.headers.add("Content-Type", "application/x-amz-json-1.1");
    response.body = to_json(error);
    return response;
  }
  // Clients that once spoke Query go by its codes, and find them here.
  response.headers.add("x-amzn-query-error",
                       fmt::format("{};{}", in_query.code, error.status < 500 ? "Sender" : "Receiver"));
  if (protocol_ == Protocol::json_1_0) {
    response.headers.add("Content-Type", "application/x-amz-json-1.0");
    response.body = to_json(error);
    return response;
  }
  response.headers.add("Content-Type", "application/cbor");
  response.headers.add("smithy-protocol", std::string(kCborName));
  response.body = write_cbor(json::parse(to_json(error)));
  return response;
}

}  // namespace holdfast::api::wire
