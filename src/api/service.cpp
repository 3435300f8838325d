#include "api/service.hpp"

#include <nlohmann/json.hpp>

#include "api/agent_access.hpp"
#include "api/rules.hpp"
#include "api/s3/upload.hpp"
#include "base/log.hpp"

namespace holdfast::api {

namespace {

constexpr std::string_view kBearer = "Bearer ";

aws::SignedRequest signed_request(const http::RequestHead& head, const std::string& body_hash) {
  return {head.method,
          std::string(head.path()),
          std::string(head.query()),
          {head.headers.begin(), head.headers.end()},
          body_hash};
}

// Found out before the signature is verified: it only says in whose words to answer.
bool scope_is_s3(const http::RequestHead& head) {
  const auto authorization = aws::parse_authorization(signed_request(head, ""));
  // Who sends no signature at all gets the answer of the service that the form of the request belongs to.
  if (!authorization) return head.method != "POST" || head.path() != "/";
  return authorization->scope.service == "s3";
}

std::string_view bearer_of(const http::RequestHead& head) {
  const std::string_view value = head.headers.get("Authorization");
  return value.starts_with(kBearer) ? value.substr(kBearer.size()) : std::string_view{};
}

const OperationEntry* operation_of(const http::RequestHead& head) {
  return find_operation(head.headers.get("X-Amz-Target"));
}

}  // namespace

Service::Service(ServiceParts parts)
    : clock_(parts.clock),
      random_(parts.random),
      agent_secret_(std::move(parts.agent_secret)),
      verifier_([keys = std::move(parts.credentials)](std::string_view access_key) -> std::optional<std::string> {
        const auto found = keys.find(std::string(access_key));
        return found == keys.end() ? std::nullopt : std::optional(found->second);
      }),
      backends_{parts.engine, parts.store, parts.telemetry, parts.objects, parts.account, parts.region},
      specs_(parts.store),
      s3_({parts.objects, parts.clock, std::move(parts.upload_directory), [this] { return request_id(); },
           std::move(parts.account), std::move(parts.region), std::move(parts.s3_domain)}),
      requests_(kRequestThreads, kMaxWaitingRequests),
      transfers_(kTransferThreads, kMaxWaitingTransfers) {}

Service::~Service() = default;

Service::Protocol Service::protocol_of(const http::RequestHead& head) {
  if (head.method == "GET" && head.path() == "/health") return Protocol::health;
  if (head.headers.find("X-Amz-Target")) return Protocol::json;
  return scope_is_s3(head) ? Protocol::s3 : Protocol::json;
}

// ---- before the body

http::BodyPlan Service::plan(const http::RequestHead& head) {
  http::BodyPlan plan;
  switch (protocol_of(head)) {
    case Protocol::health:
      break;
    case Protocol::json: {
      const auto* entry = operation_of(head);
      plan.limit = kMaxBodyBytes;
      if (entry && entry->caller == Caller::agent) {
        plan.limit = kMaxAgentReport;
        if (bearer_of(head).empty()) plan.refuse = json_response(tl::unexpected(missing_authentication_token()));
      }
      break;
    }
    case Protocol::s3:
      return plan_s3(head);
  }
  return plan;
}

http::BodyPlan Service::plan_s3(const http::RequestHead& head) {
  http::BodyPlan plan;
  plan.limit = s3::kMaxS3Body;
  const auto request = s3_.parse(head);
  if (!request) {
    plan.refuse = s3_failure(head, request.error());
    return plan;
  }
  if (!s3::is_upload(*request)) return plan;
  // Nobody's gigabytes are taken in before it is known who sends them.
  const auto identity = verify_s3(head);
  auto upload = identity ? s3_.start_upload(*request, identity->payload_hash, identity->chunks)
                         : tl::unexpected(identity.error());
  if (!upload) {
    plan.refuse = s3_failure(head, upload.error());
    return plan;
  }
  plan.limit = identity->payload_hash.starts_with("STREAMING-") ? s3::kMaxFramedObject : s3::kMaxObject;
  plan.sink = std::move(*upload);
  return plan;
}

http::Response Service::failure(const http::RequestHead* head, int status, const std::string& why) {
  if (head && protocol_of(*head) == Protocol::s3) {
    if (status == 413) return s3_failure(*head, {400, "EntityTooLarge", why});
    return s3_failure(*head, {status, status >= 500 ? "InternalError" : "InvalidRequest", why});
  }
  if (status == 413) {
    const auto* entry = head ? operation_of(*head) : nullptr;
    const bool agent = entry && entry->caller == Caller::agent;
    return json_response(tl::unexpected(request_too_large(agent ? kMaxAgentReport : kMaxBodyBytes)));
  }
  if (status >= 500) {
    log_error("a request failed: {}", why);
    return json_response(tl::unexpected(status == 503 ? service_unavailable(why) : internal_failure()));
  }
  ApiError error = validation(why);
  error.status = status;
  return json_response(tl::unexpected(error));
}

// ---- the whole request

void Service::handle(http::Request request, std::unique_ptr<http::BodySink> sink, http::Reply reply) {
  const Protocol protocol = protocol_of(request.head);
  if (protocol == Protocol::health) {
    auto response = http::plain_text(200, "ok\n");
    response.headers.add("x-amzn-RequestId", request_id());
    return reply(std::move(response));
  }
  // Shared, because std::function copies what it holds; the reply is still given once.
  const auto shared_reply = std::make_shared<http::Reply>(std::move(reply));
  const Respond respond = [shared_reply](http::Response response) { (*shared_reply)(std::move(response)); };
  const auto shared_request = std::make_shared<const http::Request>(std::move(request));
  if (protocol == Protocol::json) {
    if (!requests_.run([this, shared_request, respond] { answer_json(*shared_request, respond); }))
      respond(json_response(tl::unexpected(service_unavailable("Too many requests are waiting; repeat it."))));
    return;
  }
  // The only kind of sink that plan() gives.
  const std::shared_ptr<s3::Upload> upload(static_cast<s3::Upload*>(sink.release()));
  const bool taken =
      transfers_.run([this, shared_request, upload, respond] { respond(answer_s3(*shared_request, upload.get())); });
  if (!taken) respond(s3_failure(shared_request->head, {503, "SlowDown", "Please reduce your request rate."}));
}

tl::expected<void, ApiError> Service::verify_json(const http::Request& request, std::string_view service) {
  const std::string body_hash = aws::sha256_hex(request.body);
  const auto identity = verifier_.verify(signed_request(request.head, body_hash), clock_.now());
  if (!identity) {
    const auto error = aws::describe(identity.error(), aws::Dialect::json);
    return tl::unexpected(ApiError{error.status, error.code, error.message});
  }
  // A presigned S3 URL, which people hand around, must not open anything but its object.
  if (identity->scope.service != service) {
    return tl::unexpected(
        invalid_signature(fmt::format("Credential should be scoped to correct service: '{}'.", service)));
  }
  if (identity->payload_hash != body_hash)
    return tl::unexpected(invalid_signature("The signature does not cover the body."));
  return {};
}

s3::S3Result<aws::Identity> Service::verify_s3(const http::RequestHead& head) {
  auto identity = verifier_.verify(signed_request(head, ""), clock_.now());
  if (!identity) {
    const auto error = aws::describe(identity.error(), aws::Dialect::s3);
    return tl::unexpected(s3::S3Error{error.status, error.code, error.message});
  }
  if (identity->scope.service != "s3")
    return tl::unexpected(s3::S3Error{403, "AccessDenied", "The signature is for another service."});
  return std::move(*identity);
}

tl::expected<void, ApiError> Service::check_agent(const http::RequestHead& head, const nlohmann::json& request) const {
  const auto name = request.find("TrainingJobName");
  const auto fence = request.find("Fence");
  if (name == request.end() || !name->is_string() || fence == request.end() || !fence->is_number_unsigned())
    return tl::unexpected(validation("TrainingJobName and Fence must be given."));
  const JobName job{name->get<std::string>()};
  if (!token_matches(bearer_of(head), agent_secret_, job, Fence{fence->get<std::uint64_t>()}))
    return tl::unexpected(access_denied("The token is not that of this attempt."));
  return {};
}

void Service::answer_json(const http::Request& request, const Respond& respond) {
  const Answer answer = [this, respond](const Outcome& outcome) { respond(json_response(outcome)); };
  const auto* entry = operation_of(request.head);
  const bool from_agent = entry && entry->caller == Caller::agent;
  if (!from_agent) {
    // Who may not ask is not told what there is.
    const std::string_view service = entry ? entry->service : std::string_view("sagemaker");
    const auto verified = verify_json(request, service);
    if (!verified) return answer(tl::unexpected(verified.error()));
    if (!entry) return answer(tl::unexpected(unknown_operation()));
  }
  auto body = parse_body(request.body);
  if (!body) return answer(tl::unexpected(body.error()));
  // A null member is one that was not given, here as in SageMaker.
  for (auto member = body->begin(); member != body->end();)
    member = member->is_null() ? body->erase(member) : std::next(member);
  if (from_agent) {
    if (auto allowed = check_agent(request.head, *body); !allowed) return answer(tl::unexpected(allowed.error()));
  }
  try {
    entry->run({backends_, specs_, *body}, answer);
  } catch (const nlohmann::json::exception& error) {
    log_error("{}: {}", entry->target, error.what());
    answer(tl::unexpected(internal_failure()));
  }
}

http::Response Service::answer_s3(const http::Request& request, s3::Upload* upload) {
  // An upload was verified before its body came: by now its signature may be too old.
  if (!upload) {
    const auto identity = verify_s3(request.head);
    if (!identity) return s3_failure(request.head, identity.error());
    if (identity->payload_hash != aws::kUnsignedPayload && identity->payload_hash != aws::sha256_hex(request.body))
      return s3_failure(request.head, s3::wrong_body_hash());
  }
  auto parsed = s3_.parse(request.head);
  if (!parsed) return s3_failure(request.head, parsed.error());
  parsed->body = request.body;
  auto response = s3_.handle(*parsed, upload);
  if (!response) return s3_failure(request.head, response.error());
  response->headers.add("x-amz-request-id", request_id());
  return std::move(*response);
}

// ---- answers

std::string Service::request_id() {
  const std::lock_guard lock(random_mutex_);
  return random_uuid(random_);
}

http::Response Service::json_response(const Outcome& outcome) {
  http::Response response;
  response.headers.add("Content-Type", "application/x-amz-json-1.1");
  response.headers.add("x-amzn-RequestId", request_id());
  if (outcome) {
    response.body = *outcome;
    return response;
  }
  response.status = outcome.error().status;
  response.headers.add("x-amzn-ErrorType", outcome.error().code);
  response.body = to_json(outcome.error());
  return response;
}

http::Response Service::s3_failure(const http::RequestHead& head, const s3::S3Error& error) {
  const std::string id = request_id();
  auto response = s3::error_response(head, error, id);
  response.headers.add("x-amz-request-id", id);
  return response;
}

}  // namespace holdfast::api
