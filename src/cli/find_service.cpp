// Where the service is and whose key signs: options first, then what `holdfast serve` left in its data folder.
#include "base/file.hpp"
#include "cli/client.hpp"

namespace holdfast::cli {

namespace {

constexpr std::size_t kMaxEndpointFile = 4096;

Result<std::string> endpoint_in(const std::filesystem::path& data) {
  const auto text = read_file(data / "endpoint", kMaxEndpointFile);
  if (!text && text.error().kind == Kind::not_found)
    return fail(Kind::not_found,
                "no service has run in {}: start one with `holdfast serve --data {}`, or say --endpoint URL",
                data.string(), data.string());
  if (!text) return fail(text.error());
  return text->substr(0, text->find_first_of(" \r\n"));
}

Result<aws::Credentials> credentials_in_environment(const Environment& environment) {
  const auto key = environment("AWS_ACCESS_KEY_ID");
  const auto secret = environment("AWS_SECRET_ACCESS_KEY");
  if (key && secret) return aws::Credentials{*key, *secret, environment("AWS_SESSION_TOKEN").value_or("")};
  if (const auto file = environment("AWS_SHARED_CREDENTIALS_FILE"))
    return aws::read_credentials(*file, environment("AWS_PROFILE").value_or("default"));
  return fail(Kind::not_found, "no credentials: neither AWS_ACCESS_KEY_ID nor AWS_SHARED_CREDENTIALS_FILE is set");
}

}  // namespace

Result<ServiceAddress> find_service(const ConnectionOptions& options, const Environment& environment) {
  const std::filesystem::path data{options.data};
  ServiceAddress address{options.endpoint, options.region, {}};
  const bool own_endpoint = !address.endpoint.empty();
  if (!own_endpoint) {
    auto found = endpoint_in(data);
    if (!found) return fail(found.error());
    address.endpoint = *found;
  }
  while (address.endpoint.ends_with('/')) address.endpoint.pop_back();
  if (address.endpoint.find("://") == std::string::npos)
    return fail(Kind::invalid, "the endpoint '{}' is no URL: write http://127.0.0.1:8740", address.endpoint);

  const auto from_data = [&] { return aws::read_credentials(data / "credentials"); };
  auto first = own_endpoint ? credentials_in_environment(environment) : from_data();
  if (!first && first.error().kind == Kind::not_found)
    first = own_endpoint ? from_data() : credentials_in_environment(environment);
  if (!first && first.error().kind == Kind::not_found)
    return fail(Kind::not_found,
                "no credentials for {}: `holdfast serve` writes them into its data folder (say --data DIR), "
                "or set AWS_SHARED_CREDENTIALS_FILE",
                address.endpoint);
  if (!first) return fail(first.error());
  address.credentials = *first;
  return address;
}

}  // namespace holdfast::cli
