#include "api/service.hpp"

#include <nlohmann/json.hpp>

#include "api/agent_access.hpp"
#include "api/figures.hpp"
#include "api/rules.hpp"
#include "api/s3/authorize.hpp"
#include "api/s3/upload.hpp"
#include "api/wire/plain_body.hpp"
#include "base/log.hpp"

namespace holdfast::api {

namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr std::string_view kS3 = "S3";  // in the counters: all of it together

aws::SignedRequest signed_request(const http::RequestHead& head, const std::string& body_hash) {
  return {head.method,
          std::string(head.path()),
          std::string(head.query()),
          {head.headers.begin(), head.headers.end()},
          body_hash,
          ""};
}

// Found out before the signature is verified: it only says in whose words to answer.
bool scope_is_s3(const http::RequestHead& head) {
  // A browser's form is S3's, wherever its bucket is named.
  if (s3::form_boundary(head.headers.get("Content-Type"))) return true;
  const auto authorization = aws::parse_authorization(signed_request(head, ""));
  // Who sends no signature at all gets the answer of the service that the form of the request belongs to.
  if (!authorization) return head.method != "POST" || head.path() != "/";
  return authorization->scope.service == "s3";
}

std::string_view bearer_of(const http::RequestHead& head) {
  const std::string_view value = head.headers.get("Authorization");
  return value.starts_with(kBearer) ? value.substr(kBearer.size()) : std::string_view{};
}

bool is_agents(const OperationEntry* entry) { return entry && entry->caller == Caller::agent; }

}  // namespace

Service::Service(ServiceParts parts)
    : clock_(parts.clock),
      random_(parts.random),
      agent_secret_(std::move(parts.agent_secret)),
      authority_(std::move(parts.root), parts.keys, agent_secret_, parts.store),
      backends_{parts.engine,  parts.store,  parts.telemetry,  parts.all_objects ? *parts.all_objects : parts.objects,
                parts.account, parts.region, parts.algorithms, parts.logs,
                parts.metrics, parts.clock,  counters_},
      specs_(parts.store),
      s3_({parts.objects, parts.clock, std::move(parts.upload_directory), [this] { return request_id(); },
           std::move(parts.account), std::move(parts.region), std::move(parts.s3_domain), std::move(parts.elsewhere)}),
      requests_(kRequestThreads, kMaxWaitingRequests),
      transfers_(kTransferThreads, kMaxWaitingTransfers) {}

Service::~Service() = default;

Service::Door Service::door_of(const http::RequestHead& head) {
  if (head.method == "GET" && head.path() == "/health") return Door::health;
  if (head.method == "GET" && head.target == "/metrics" && !head.headers.find("Authorization")) return Door::figures;
  if (wire::protocol_of(head)) return Door::operation;
  return scope_is_s3(head) ? Door::s3 : Door::operation;
}

// ---- before the body

http::BodyPlan Service::plan(const http::RequestHead& head) {
  http::BodyPlan plan;
  switch (door_of(head)) {
    case Door::health:
    case Door::figures:
      break;
    case Door::operation: {
      const wire::Exchange exchange(head);
      plan.limit = kMaxBodyBytes;
      if (!is_agents(exchange.operation())) break;
      plan.limit = kMaxAgentReport;
      if (bearer_of(head).empty()) plan.refuse = answer(exchange, tl::unexpected(missing_authentication_token()));
      break;
    }
    case Door::s3:
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
  if (s3::is_form(*request)) {
    auto form = s3_.start_form(*request, [this](const aws::SignedPolicy& policy) { return verify_form(policy); });
    if (form) {
      plan.limit = s3::kMaxFramedObject;
      plan.sink = std::move(*form);
    } else {
      plan.refuse = s3_failure(head, form.error());
    }
    return plan;
  }
  if (!s3::is_upload(*request)) return plan;
  // Nobody's gigabytes are taken in before it is known who sends them.
  const auto sender = verify_s3(head);
  const auto allowed = sender ? s3::authorize(*request, sender->principal) : tl::unexpected(sender.error());
  auto upload = allowed ? s3_.start_upload(*request, sender->identity.payload_hash, sender->identity.chunks)
                        : tl::unexpected(allowed.error());
  if (!upload) {
    plan.refuse = s3_failure(head, upload.error());
    return plan;
  }
  plan.limit = sender->identity.payload_hash.starts_with("STREAMING-") ? s3::kMaxFramedObject : s3::kMaxObject;
  plan.sink = std::move(*upload);
  return plan;
}

http::Response Service::failure(const http::RequestHead* head, int status, const std::string& why) {
  if (head && door_of(*head) == Door::s3) {
    if (status == 413) return s3_failure(*head, {400, "EntityTooLarge", why});
    return s3_failure(*head, {status, status >= 500 ? "InternalError" : "InvalidRequest", why});
  }
  const wire::Exchange exchange(head ? *head : http::RequestHead{});
  if (status == 413) {
    const bool agent = is_agents(exchange.operation());
    return answer(exchange, tl::unexpected(request_too_large(agent ? kMaxAgentReport : kMaxBodyBytes)));
  }
  if (status >= 500) {
    log_error("a request failed: {}", why);
    return answer(exchange, tl::unexpected(status == 503 ? service_unavailable(why) : internal_failure()));
  }
  ApiError error = validation(why);
  error.status = status;
  return answer(exchange, tl::unexpected(error));
}

// ---- the whole request

void Service::handle(http::Request request, std::unique_ptr<http::BodySink> sink, http::Reply reply) {
  const Door door = door_of(request.head);
  if (door == Door::health) {
    auto response = http::plain_text(200, "ok\n");
    response.headers.add("x-amzn-RequestId", request_id());
    return reply(std::move(response));
  }
  // Shared, because std::function copies what it holds; the reply is still given once.
  const auto shared_reply = std::make_shared<http::Reply>(std::move(reply));
  const Respond respond = [shared_reply](http::Response response) { (*shared_reply)(std::move(response)); };
  const auto shared_request = std::make_shared<const http::Request>(std::move(request));
  if (door != Door::s3) {
    const bool taken = requests_.run([this, shared_request, respond, door] {
      door == Door::figures ? respond(answer_figures()) : answer_operation(*shared_request, respond);
    });
    if (!taken) {
      const auto error = service_unavailable("Too many requests are waiting; repeat it.");
      respond(answer(wire::Exchange(shared_request->head), tl::unexpected(error)));
    }
    return;
  }
  // The only kind of sink that plan() gives.
  const std::shared_ptr<s3::Upload> upload(static_cast<s3::Upload*>(sink.release()));
  const bool taken =
      transfers_.run([this, shared_request, upload, respond] { respond(answer_s3(*shared_request, upload.get())); });
  if (!taken) respond(s3_failure(shared_request->head, {503, "SlowDown", "Please reduce your request rate."}));
}

tl::expected<Principal, ApiError> Service::verify_user(const http::Request& request, const wire::Exchange& exchange) {
  const std::string body_hash = aws::sha256_hex(request.body);
  auto sender = authority_.verify(signed_request(request.head, body_hash), clock_.now());
  if (!sender) {
    const auto error = aws::describe(sender.error(), exchange.dialect());
    return tl::unexpected(ApiError{error.status, error.code, error.message});
  }
  // A presigned S3 URL, which people hand around, must not open anything but its object. Which service an operation
  // that we do not know belongs to, we do not know either.
  if (exchange.operation() && sender->identity.scope.service != exchange.service()) {
    return tl::unexpected(
        invalid_signature(fmt::format("Credential should be scoped to correct service: '{}'.", exchange.service())));
  }
  if (sender->identity.payload_hash != body_hash)
    return tl::unexpected(invalid_signature("The signature does not cover the body."));
  return std::move(sender->principal);
}

s3::S3Result<Authenticated> Service::verify_s3(const http::RequestHead& head) {
  auto to_verify = signed_request(head, "");
  to_verify.bucket_in_host = s3_.bucket_in_host(head);
  auto sender = authority_.verify(to_verify, clock_.now());
  if (!sender) {
    const auto error = aws::describe(sender.error(), aws::Dialect::s3);
    return tl::unexpected(s3::S3Error{error.status, error.code, error.message});
  }
  if (sender->identity.scope.service != "s3")
    return tl::unexpected(s3::S3Error{403, "AccessDenied", "The signature is for another service."});
  return std::move(*sender);
}

s3::S3Result<Principal> Service::verify_form(const aws::SignedPolicy& policy) {
  auto principal = authority_.verify(policy, clock_.now());
  if (principal) return std::move(*principal);
  const auto error = aws::describe(principal.error(), aws::Dialect::s3);
  return tl::unexpected(s3::S3Error{error.status, error.code, error.message});
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

void Service::answer_operation(const http::Request& request, const Respond& respond) {
  std::string decompressed;
  const auto plain = wire::plain_body(request, decompressed);
  if (!plain) return respond(this->answer(wire::Exchange(request.head), tl::unexpected(plain.error())));
  const wire::Exchange exchange(request.head, *plain);
  const auto* entry = exchange.operation();
  const Answer answer = [this, respond, exchange](const Outcome& outcome) { respond(this->answer(exchange, outcome)); };
  Principal principal;
  if (!is_agents(entry)) {
    // Who may not ask is not told what there is.
    auto user = verify_user(request, exchange);
    if (!user) return answer(tl::unexpected(user.error()));
    if (!entry) return answer(tl::unexpected(unknown_operation()));
    principal = std::move(*user);
  }
  auto body = exchange.read(*plain);
  if (!body) return answer(tl::unexpected(body.error()));
  // A null member is one that was not given, here as in SageMaker.
  for (auto member = body->begin(); member != body->end();)
    member = member->is_null() ? body->erase(member) : std::next(member);
  const auto allowed = is_agents(entry) ? check_agent(request.head, *body) : authorize(*entry, *body, principal);
  if (!allowed) return answer(tl::unexpected(allowed.error()));
  try {
    entry->run({backends_, specs_, *body, principal}, answer);
  } catch (const nlohmann::json::exception& error) {
    log_error("{}: {}", entry->target, error.what());
    answer(tl::unexpected(internal_failure()));
  }
}

http::Response Service::answer_figures() {
  const std::lock_guard lock(figures_mutex_);
  const Instant now = clock_.ticks();
  if (figures_.empty() || now - figures_made_ >= kFiguresKept) {
    auto text = figures_text({backends_, {{"requests", requests_.waiting()}, {"transfers", transfers_.waiting()}}});
    if (!text) {
      log_warn("/metrics: {}", text.error().message);
      return http::plain_text(503, "the figures cannot be had now\n");
    }
    figures_ = std::move(*text);
    figures_made_ = now;
  }
  auto response = http::plain_text(200, figures_);
  response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  return response;
}

http::Response Service::answer_s3(const http::Request& request, s3::Upload* upload) {
  auto parsed = s3_.parse(request.head);
  if (!parsed) return s3_failure(request.head, parsed.error());
  parsed->body = request.body;
  // An upload was looked at before its body came: by now its signature may be too old.
  Principal principal;
  if (!upload) {
    auto sender = verify_s3(request.head);
    if (!sender) return s3_failure(request.head, sender.error());
    const auto& body_hash = sender->identity.payload_hash;
    if (body_hash != aws::kUnsignedPayload && body_hash != aws::sha256_hex(request.body))
      return s3_failure(request.head, s3::wrong_body_hash());
    parsed->region = sender->identity.scope.region;
    principal = std::move(sender->principal);
    if (auto allowed = s3::authorize(*parsed, principal); !allowed) return s3_failure(request.head, allowed.error());
  }
  auto response = s3_.handle(*parsed, upload, principal);
  if (!response) return s3_failure(request.head, response.error());
  counters_.request(kS3, response->status);
  response->headers.add("x-amz-request-id", request_id());
  return std::move(*response);
}

// ---- answers

std::string Service::request_id() {
  const std::lock_guard lock(random_mutex_);
  return random_uuid(random_);
}

http::Response Service::answer(const wire::Exchange& exchange, const Outcome& outcome) {
  auto response = exchange.answer(outcome, request_id());
  counters_.request(exchange.operation() ? exchange.operation()->target : "unknown", response.status);
  return response;
}

http::Response Service::s3_failure(const http::RequestHead& head, const s3::S3Error& error) {
  const std::string id = request_id();
  auto response = s3::error_response(head, error, id);
  counters_.request(kS3, response.status);
  response.headers.add("x-amz-request-id", id);
  return response;
}

}  // namespace holdfast::api
