#include "objects/credential_services.hpp"

#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "aws/canonical.hpp"
#include "aws/partition.hpp"
#include "base/file.hpp"
#include "http/client.hpp"
#include "http/origin.hpp"
#include "objects/s3_address.hpp"
#include "objects/s3_answers.hpp"
#include "objects/s3_times.hpp"

namespace holdfast::objects {

namespace {

constexpr std::size_t kMaxAnswer = 64 * 1024;
constexpr std::size_t kMaxToken = 64 * 1024;
constexpr const char* kContainerHost = "http://169.254.170.2";
constexpr const char* kMetadataHost = "http://169.254.169.254";

// The service is in trouble, or asks for less: nothing is wrong with what it was asked.
bool is_passing(const http::Response& answer, const S3Refusal& refusal) {
  return answer.status >= 500 || answer.status == 429 || refusal.code.starts_with("Throttling") ||
         refusal.code == "IDPCommunicationError";
}

constexpr const char* kVendorFile = "/sys/class/dmi/id/sys_vendor";
constexpr std::size_t kMaxVendor = 256;

Result<std::string> ask(const char* method, const std::string& url, http::Headers headers, std::string_view what,
                        Duration patience = seconds{5}) {
  http::Client client;
  http::ClientRequest request{.method = method, .url = url, .headers = std::move(headers)};
  request.timeout = patience;
  request.connect_timeout = std::min<Duration>(patience, seconds{2});
  request.max_response = kMaxAnswer;
  auto answer = client.send(request);
  // The URL stays out of the message: it may carry a token.
  if (!answer)
    return fail(answer.error().kind == Kind::invalid ? Kind::permanent : Kind::try_again, "{} is not reachable", what);
  if (answer->status != 200) {
    const auto refusal = parse_refusal(answer->body);
    return fail(is_passing(*answer, refusal) ? Kind::try_again : Kind::permanent, "{} answers {} {}", what,
                answer->status, refusal.code);
  }
  return std::move(answer->body);
}

std::optional<TimedCredentials> complete(TimedCredentials found, std::string_view expiration) {
  for (const auto* part : {&found.keys.access_key, &found.keys.secret, &found.keys.session_token})
    if (part->find_first_of("\r\n") != std::string::npos) return std::nullopt;
  if (found.keys.access_key.empty() || found.keys.secret.empty()) return std::nullopt;
  if (expiration.empty()) return found;
  found.expires = parse_iso_time(expiration);
  return found.expires ? std::optional{std::move(found)} : std::nullopt;
}

std::string text_of(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::string_view without_end_of_line(std::string_view text) {
  return text.substr(0, text.find_last_not_of("\r\n") + 1);
}

bool is_on_ec2() { return is_ec2_vendor(read_file(kVendorFile, kMaxVendor).value_or("")); }

}  // namespace

Result<TimedCredentials> parse_credentials_json(std::string_view text) {
  const auto object = nlohmann::json::parse(text, nullptr, false);
  if (!object.is_object()) return fail(Kind::try_again, "the credentials that came are no JSON object");
  auto token = text_of(object, "Token");
  if (token.empty()) token = text_of(object, "SessionToken");
  auto found = complete({{text_of(object, "AccessKeyId"), text_of(object, "SecretAccessKey"), std::move(token)}, {}},
                        text_of(object, "Expiration"));
  if (!found) return fail(Kind::permanent, "the credentials that came are not complete");
  return std::move(*found);
}

Result<TimedCredentials> parse_credentials_xml(std::string_view text) {
  pugi::xml_document document;
  if (!document.load_buffer(text.data(), text.size()))
    return fail(Kind::try_again, "the credentials that came are no XML");
  const auto node =
      document.child("AssumeRoleWithWebIdentityResponse").child("AssumeRoleWithWebIdentityResult").child("Credentials");
  auto found = complete(
      {{node.child_value("AccessKeyId"), node.child_value("SecretAccessKey"), node.child_value("SessionToken")}, {}},
      node.child_value("Expiration"));
  if (!found) return fail(Kind::permanent, "the credentials that came are not complete");
  return std::move(*found);
}

bool may_hand_out_credentials(std::string_view url) {
  const auto path = url.find('/', url.find("://") == std::string_view::npos ? 0 : url.find("://") + 3);
  const auto origin = http::parse_origin(url.substr(0, path));
  if (!origin) return false;
  return origin->tls || origin->is_loopback() || origin->host == "169.254.170.2" || origin->host == "169.254.170.23" ||
         origin->host == "fd00:ec2::23";
}

Result<TimedCredentials> container_credentials(const Environment& environment) {
  std::string url;
  if (const auto path = environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); path && path->starts_with('/'))
    url = kContainerHost + *path;
  else if (const auto whole = environment("AWS_CONTAINER_CREDENTIALS_FULL_URI"); whole && !whole->empty())
    url = *whole;
  if (url.empty()) return fail(Kind::not_found, "the environment names no service of a container");
  if (!may_hand_out_credentials(url))
    return fail(Kind::invalid,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or an address of this machine or of its container");
  http::Headers headers;
  std::string token = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN").value_or("");
  if (const auto file = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file && !file->empty()) {
    const auto read = read_file(*file, kMaxToken);
    if (!read) return fail(Kind::permanent, "the token for the container's credentials: {}", read.error().message);
    token = without_end_of_line(*read);
  }
  if (!token.empty()) headers.add("Authorization", token);
  const auto answer = ask("GET", url, std::move(headers), "the container's credentials service");
  return answer ? parse_credentials_json(*answer) : fail(answer.error());
}

bool is_ec2_vendor(std::string_view sys_vendor) { return sys_vendor.starts_with("Amazon EC2"); }

Result<TimedCredentials> instance_credentials(const Environment& environment) {
  if (aws::lower_case(environment("AWS_EC2_METADATA_DISABLED").value_or("")) == "true")
    return fail(Kind::not_found, "the instance's metadata are switched off");
  auto host = environment("AWS_EC2_METADATA_SERVICE_ENDPOINT").value_or("");
  const bool named = !host.empty();
  if (!named) host = kMetadataHost;
  while (host.ends_with('/')) host.pop_back();
  constexpr std::string_view kWhat = "the instance's metadata service";
  const auto token =
      ask("PUT", host + "/latest/api/token", {{"X-aws-ec2-metadata-token-ttl-seconds", "21600"}}, kWhat, seconds{1});
  if (!token) {
    // Most machines have no such service. Where there is one, it may be away for a moment.
    const bool away = token.error().kind == Kind::try_again && (named || is_on_ec2());
    return fail(away ? Kind::try_again : Kind::not_found, "{}", token.error().message);
  }
  const http::Headers headers{{"X-aws-ec2-metadata-token", std::string{without_end_of_line(*token)}}};
  const auto base = host + "/latest/meta-data/iam/security-credentials/";
  const auto role = ask("GET", base, headers, kWhat);
  if (!role)
    return fail(role.error().kind == Kind::try_again ? Kind::try_again : Kind::not_found,
                "{}: the instance has no role", role.error().message);
  const auto name = role->substr(0, role->find_first_of("\r\n"));
  const auto answer = ask("GET", base + encode_uri(name, false), headers, kWhat);
  return answer ? parse_credentials_json(*answer) : fail(answer.error());
}

Result<TimedCredentials> web_identity_credentials(const Environment& environment, std::string_view region) {
  const auto file = environment("AWS_WEB_IDENTITY_TOKEN_FILE").value_or("");
  const auto role = environment("AWS_ROLE_ARN").value_or("");
  if (file.empty() || role.empty()) return fail(Kind::not_found, "the environment names no web identity");
  const auto token = read_file(file, kMaxToken);
  if (!token) return fail(Kind::permanent, "the token of the web identity: {}", token.error().message);
  auto host = environment("AWS_ENDPOINT_URL_STS").value_or("");
  if (host.empty()) host = fmt::format("https://sts.{}.{}", region, aws::dns_suffix_of(region));
  while (host.ends_with('/')) host.pop_back();
  auto session = environment("AWS_ROLE_SESSION_NAME").value_or("");
  if (session.empty()) session = "holdfast";
  http::Client client;
  http::ClientRequest request{.method = "POST", .url = host + "/"};
  request.headers.add("Content-Type", "application/x-www-form-urlencoded");
  request.body = fmt::format(
      "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={}&RoleSessionName={}&WebIdentityToken={}",
      encode_uri(role, false), encode_uri(session, false), encode_uri(without_end_of_line(*token), false));
  request.timeout = seconds{10};
  request.max_response = kMaxAnswer;
  const auto answer = client.send(request);
  if (!answer) return fail(answer.error(), "STS");
  if (answer->status != 200) {
    const auto refusal = parse_refusal(answer->body);
    return fail(is_passing(*answer, refusal) ? Kind::try_again : Kind::permanent, "STS answers {} {} for the role {}",
                answer->status, refusal.code, role);
  }
  return parse_credentials_xml(answer->body);
}

}  // namespace holdfast::objects
