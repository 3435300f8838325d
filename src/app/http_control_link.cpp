#include "app/http_control_link.hpp"

#include "agent/messages.hpp"

namespace holdfast::app {

namespace {
constexpr std::size_t kMaxEndpointFile = 4096;
constexpr Duration kReportTimeout = seconds{60};
constexpr Duration kWaitTimeout = seconds{60};  // above the service's own limit for a long poll

}  // namespace

HttpControlLink::HttpControlLink(std::filesystem::path endpoint_file, JobName job, Fence fence, std::string token)
    : endpoint_file_(std::move(endpoint_file)), job_(std::move(job)), fence_(fence), token_(std::move(token)) {}

Result<std::string> HttpControlLink::call(const char* operation, std::string body, Duration timeout) {
  if (endpoint_.empty()) {
    auto text = read_file(endpoint_file_, kMaxEndpointFile);
    if (!text) return fail(Kind::try_again, "no service is running: {}", text.error().message);
    while (!text->empty() && text->back() == '\n') text->pop_back();
    endpoint_ = *text;
  }
  http::ClientRequest request;
  request.method = "POST";
  request.url = endpoint_ + "/";
  request.headers.add("Content-Type", "application/x-amz-json-1.1");
  request.headers.add("X-Amz-Target", std::string("Holdfast.") + operation);
  request.headers.add("Authorization", "Bearer " + token_);
  request.body = std::move(body);
  request.timeout = timeout;
  auto response = client_.send(request);
  if (response && response->status == 200) return std::move(response->body);
  // Saying the same again cannot help; anything else, a refused token included, may be mended at the other end.
  if (response && response->status == 400 &&
      (response->body.find("ValidationException") != std::string::npos ||
       response->body.find("SerializationException") != std::string::npos)) {
    return fail(Kind::invalid, "{}: {}", operation, response->body.substr(0, 500));
  }
  endpoint_.clear();
  if (!response) return fail(response.error(), "{}", operation);
  return fail(Kind::try_again, "{}: {} {}", operation, response->status, response->body.substr(0, 500));
}

Result<void> HttpControlLink::report(const ports::Report& report) {
  auto answer = call(agent::kReportOperation, agent::encode_report(job_, fence_, report), kReportTimeout);
  if (!answer) return fail(answer.error());
  return {};
}

Result<ports::Order> HttpControlLink::wait_for_order(ports::Order known) {
  auto answer = call(agent::kWaitOperation, agent::encode_wait(job_, fence_, known), kWaitTimeout);
  if (!answer) return fail(answer.error());
  return agent::decode_order(*answer);
}

}  // namespace holdfast::app
