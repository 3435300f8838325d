#include "cli/client.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "aws/sha256.hpp"
#include "aws/sigv4.hpp"
#include "base/file.hpp"

namespace holdfast::cli {

using nlohmann::json;

namespace {

struct FileToSend {
  Fd fd;
  std::uint64_t size = 0;
  std::string hash;
};

// Read once for its hash, so that the service refuses what changes under the upload.
Result<FileToSend> open_to_send(const std::filesystem::path& path) {
  const std::string what = fmt::format("reading {}", path.string());
  FileToSend file{Fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)}, 0, {}};
  if (!file.fd) return fail_errno(what, errno);
  struct stat info {};
  if (::fstat(file.fd.get(), &info) != 0) return fail_errno(what, errno);
  if (!S_ISREG(info.st_mode)) return fail(Kind::invalid, "{}: not a file", what);
  aws::Sha256 sha;
  std::array<char, 256 * 1024> block;
  while (true) {
    const auto got = ::pread(file.fd.get(), block.data(), block.size(), static_cast<off_t>(file.size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(what, errno);
    if (got == 0) break;
    sha.update({block.data(), static_cast<std::size_t>(got)});
    file.size += static_cast<std::uint64_t>(got);
  }
  file.hash = sha.finish_hex();
  return file;
}

std::string between(std::string_view text, std::string_view from, std::string_view to) {
  const auto begin = text.find(from);
  if (begin == std::string_view::npos) return "";
  const auto end = text.find(to, begin + from.size());
  if (end == std::string_view::npos) return "";
  return std::string{text.substr(begin + from.size(), end - begin - from.size())};
}

std::string text_member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

Error error_of_answer(int status, std::string_view body) {
  std::string code, message;
  const json answer = json::parse(body, nullptr, false);
  if (answer.is_object()) {
    code = text_member(answer, "__type");
    code = code.substr(code.find('#') + 1);
    message = text_member(answer, "message");
    if (message.empty()) message = text_member(answer, "Message");
  } else {
    code = between(body, "<Code>", "</Code>");
    message = between(body, "<Message>", "</Message>");
  }
  if (code.empty()) code = fmt::format("HTTP {}", status);
  if (message.empty()) message = answer.is_object() ? "no message" : std::string{body.substr(0, 200)};
  Kind kind = Kind::invalid;
  if (status >= 500 || status == 429 || code.find("Throttl") != std::string::npos) kind = Kind::try_again;
  // SageMaker answers a missing job with a ValidationException; only its sentence tells.
  if (status == 404 || code.find("NotFound") != std::string::npos || message == "Requested resource not found.")
    kind = Kind::not_found;
  return {kind, fmt::format("{}: {}", code, message)};
}

std::string encode_path(std::string_view path) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
  std::string encoded;
  for (const char c : path) {
    if (kPlain.find(c) != std::string_view::npos)
      encoded += c;
    else
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

Error Client::nobody_answers(const Error& cause) const {
  if (cause.kind != Kind::try_again) return cause;
  return {cause.kind, fmt::format("no service answers at {}: start one with `holdfast serve` ({})", address_.endpoint,
                                  cause.message)};
}

http::ClientRequest Client::signed_request(const std::string& method, const std::string& path, http::Headers headers,
                                           const std::string& payload_hash, std::string_view service) const {
  headers.set("Host", address_.endpoint.substr(address_.endpoint.find("://") + 3));
  aws::SignedRequest to_sign;
  to_sign.method = method;
  to_sign.path = path;
  to_sign.headers.assign(headers.begin(), headers.end());
  to_sign.payload_hash = payload_hash;
  for (auto& [name, value] : aws::sign(to_sign, address_.credentials, address_.region, service, clock_.now()))
    headers.set(name, value);
  http::ClientRequest request;
  request.method = method;
  request.url = address_.endpoint + path;
  request.headers = std::move(headers);
  return request;
}

Result<json> Client::call(const std::string& target, const json& body) {
  const std::string text = body.dump(-1, ' ', false, json::error_handler_t::replace);
  http::Headers headers{{"Content-Type", "application/x-amz-json-1.1"}, {"X-Amz-Target", target}};
  const std::string_view service = target.starts_with("Logs_") ? "logs" : "sagemaker";
  auto request = signed_request("POST", "/", std::move(headers), aws::sha256_hex(text), service);
  request.body = text;
  const auto answer = http_.send(request);
  if (!answer) return fail(nobody_answers(answer.error()));
  if (answer->status >= 300) return fail(error_of_answer(answer->status, answer->body));
  if (answer->body.empty()) return json::object();
  json result = json::parse(answer->body, nullptr, false);
  if (result.is_discarded()) return fail(Kind::permanent, "{}: the answer is not JSON", target);
  return result;
}

Result<void> Client::create_bucket(const std::string& bucket) {
  std::string body;
  if (address_.region != "us-east-1")
    body = fmt::format(
        "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        "<LocationConstraint>{}</LocationConstraint></CreateBucketConfiguration>",
        address_.region);
  auto request = signed_request("PUT", "/" + encode_path(bucket), {}, aws::sha256_hex(body), "s3");
  request.body = body;
  const auto answer = http_.send(request);
  if (!answer) return fail(nobody_answers(answer.error()));
  if (answer->status < 300) return {};
  const Error error = error_of_answer(answer->status, answer->body);
  if (error.message.starts_with("BucketAlreadyOwnedByYou")) return {};
  if (error.message.starts_with("BucketAlreadyExists")) return fail(Kind::conflict, "{}", error.message);
  return fail(error, "creating the bucket {}", bucket);
}

Result<void> Client::put_object(const std::string& bucket, const std::string& key, const std::filesystem::path& file) {
  const auto to_send = open_to_send(file);
  if (!to_send) return fail(to_send.error());
  auto request = signed_request("PUT", "/" + encode_path(bucket + "/" + key), {}, to_send->hash, "s3");
  request.timeout = Duration::zero();  // as long as bytes move
  const auto answer = http_.upload_file(request, to_send->fd.get(), 0, to_send->size);
  if (!answer) return fail(nobody_answers(answer.error()), "uploading {} to s3://{}/{}", file.string(), bucket, key);
  if (answer->status < 300) return {};
  return fail(error_of_answer(answer->status, answer->body), "uploading {} to s3://{}/{}", file.string(), bucket, key);
}

Result<void> Client::get_object(const std::string& bucket, const std::string& key, const std::filesystem::path& file) {
  const std::string what = fmt::format("downloading s3://{}/{} to {}", bucket, key, file.string());
  const std::filesystem::path draft = file.string() + ".part";
  const Fd fd{::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
  if (!fd) return fail_errno(what, errno);
  auto request = signed_request("GET", "/" + encode_path(bucket + "/" + key), {}, aws::sha256_hex(""), "s3");
  request.timeout = Duration::zero();
  const auto answer = http_.download_file(request, fd.get());
  if (answer && answer->status < 300) {
    if (::rename(draft.c_str(), file.c_str()) == 0) return {};
    return fail_errno(what, errno);
  }
  ::unlink(draft.c_str());
  if (!answer) return fail(nobody_answers(answer.error()), "{}", what);
  return fail(error_of_answer(answer->status, answer->body), "{}", what);
}

}  // namespace holdfast::cli
