#include "objects/credential_chain.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <vector>

#include "aws/profile.hpp"
#include "objects/credential_process.hpp"
#include "objects/credential_services.hpp"

namespace holdfast::objects {

namespace {

// Set and not empty: an empty variable is how people unset one.
std::string get(const Environment& environment, const char* name) { return environment(name).value_or(""); }

Result<TimedCredentials> from_environment(const Environment& environment) {
  const auto id = get(environment, "AWS_ACCESS_KEY_ID"), secret = get(environment, "AWS_SECRET_ACCESS_KEY");
  if (id.empty() && secret.empty()) return fail(Kind::not_found, "the environment has no AWS_ACCESS_KEY_ID");
  if (id.empty() || secret.empty())
    return fail(Kind::invalid, "the environment has only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  return TimedCredentials{{id, secret, get(environment, "AWS_SESSION_TOKEN")}, {}};
}

std::string profile_of(const S3CredentialOptions& options, const Environment& environment) {
  if (!options.profile.empty()) return options.profile;
  const auto profile = get(environment, "AWS_PROFILE");
  return profile.empty() ? "default" : profile;
}

std::filesystem::path file_of(const Environment& environment, const char* variable, const char* name) {
  if (const auto file = get(environment, variable); !file.empty()) return file;
  const auto home = get(environment, "HOME");
  return home.empty() ? std::filesystem::path{} : std::filesystem::path{home} / ".aws" / name;
}

// Ways to credentials that AWS's own tools go and we do not.
constexpr const char* kUnsupported[] = {"role_arn",     "credential_source", "web_identity_token_file",
                                        "sso_session",  "sso_start_url",     "sso_account_id",
                                        "login_session"};

// Keys, or a program that hands them out. Kind::invalid: the profile has neither.
Result<TimedCredentials> of_profile(const std::filesystem::path& file, const std::string& profile) {
  const auto settings = aws::read_profile(file, profile);
  if (!settings) return fail(settings.error());
  const auto has = [&](const char* name) { return settings->contains(name) && !settings->at(name).empty(); };
  if (!has("aws_access_key_id") && !has("aws_secret_access_key")) {
    if (has("credential_process")) {
      auto found = process_credentials(settings->at("credential_process"));
      return found ? std::move(found) : fail(found.error(), "[{}] of {}", profile, file.string());
    }
    for (const auto* way : kUnsupported)
      if (has(way))
        return fail(Kind::invalid,
                    "reading credentials from {}: [{}] has {}, which Holdfast does not follow: give it "
                    "aws_access_key_id and aws_secret_access_key, or a credential_process",
                    file.string(), profile, way);
  }
  auto keys = aws::read_credentials(file, profile);
  if (!keys) return fail(std::move(keys.error()));
  return TimedCredentials{std::move(*keys), {}};
}

// A profile that has no keys may still have a region, or a role: it is passed over here.
Result<TimedCredentials> from_file(const std::filesystem::path& file, const std::string& profile) {
  if (file.empty()) return fail(Kind::not_found, "there is no home directory with .aws in it");
  auto found = of_profile(file, profile);
  if (!found && found.error().kind == Kind::invalid) found.error().kind = Kind::not_found;
  return found;
}

Result<TimedCredentials> from_profile(const S3CredentialOptions& options, const Environment& environment) {
  const auto profile = profile_of(options, environment);
  auto found = from_file(file_of(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials"), profile);
  if (found || found.error().kind != Kind::not_found) return found;
  auto also = from_file(file_of(environment, "AWS_CONFIG_FILE", "config"),
                        profile == "default" ? profile : "profile " + profile);
  if (also || also.error().kind != Kind::not_found) return also;
  // Who names a profile means it: nothing else will do.
  const bool named = !options.profile.empty() || !get(environment, "AWS_PROFILE").empty();
  return fail(named ? Kind::invalid : Kind::not_found, "{}; {}", found.error().message, also.error().message);
}

}  // namespace

Result<TimedCredentials> find_credentials(const S3CredentialOptions& options, const Environment& environment,
                                          std::string_view region) {
  if (!options.credentials_file.empty()) {
    return of_profile(options.credentials_file, options.profile.empty() ? "default" : options.profile);
  }
  const std::vector<std::function<Result<TimedCredentials>()>> places = {
      [&] {
        // A profile that the options name goes before the environment's keys.
        return options.profile.empty() ? from_environment(environment)
                                       : Result<TimedCredentials>{fail(Kind::not_found, "a profile is named")};
      },
      [&] { return web_identity_credentials(environment, region); },
      [&] { return from_profile(options, environment); },
      [&] { return container_credentials(environment); },
      [&] { return instance_credentials(environment); },
  };
  std::string missing;
  for (const auto& place : places) {
    auto found = place();
    if (found) return found;
    if (found.error().kind != Kind::not_found) return fail(found.error(), "looking for S3's credentials");
    missing += (missing.empty() ? "" : "; ") + found.error().message;
  }
  return fail(Kind::not_found, "there are no credentials for S3: {}", missing);
}

std::unique_ptr<CredentialSource> credential_chain(S3CredentialOptions options, Environment environment,
                                                   std::string region, Clock& clock) {
  return std::make_unique<CredentialCache>(
      [options = std::move(options), environment = std::move(environment), region = std::move(region)] {
        return find_credentials(options, environment, region);
      },
      clock);
}

std::unique_ptr<CredentialSource> fixed_credentials(aws::Credentials keys, Clock& clock) {
  return std::make_unique<CredentialCache>(
      [keys = std::move(keys)]() -> Result<TimedCredentials> {
        return TimedCredentials{keys, {}};
      },
      clock);
}

std::string region_of(const Environment& environment) {
  const auto region = get(environment, "AWS_REGION");
  return region.empty() ? get(environment, "AWS_DEFAULT_REGION") : region;
}

}  // namespace holdfast::objects
