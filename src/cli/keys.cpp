// `holdfast keys`: works on the service's data folder itself, whether the service runs or not.
#include "api/keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <ostream>

#include "base/random.hpp"
#include "cli/commands.hpp"

namespace holdfast::cli {

namespace {

namespace fs = std::filesystem;

Result<void> add_grants(api::Policy& policy, const std::vector<std::string>& uris, api::Access most) {
  for (const auto& uri : uris) {
    auto grant = api::grant_for(uri, most);
    if (!grant) return fail(grant.error());
    policy.objects.push_back(std::move(*grant));
  }
  return {};
}

Result<api::Policy> policy_of(const KeysOptions& options) {
  api::Policy policy;
  policy.admin = options.admin;
  policy.read_only = options.read_only;
  if (!options.jobs.empty()) policy.jobs = options.jobs;
  if (auto added = add_grants(policy, options.write, api::Access::write); !added) return fail(added.error());
  if (auto added = add_grants(policy, options.read, api::Access::read); !added) return fail(added.error());
  if (policy == api::Policy{})
    return fail(Kind::invalid, "say what the key may do: --admin, --read-only, or --jobs PREFIX with --s3 places");
  return policy;
}

std::string in_words(const api::Policy& policy) {
  if (policy.admin) return "everything";
  std::string words;
  const auto add = [&](const std::string& more) { words += (words.empty() ? "" : ", ") + more; };
  if (policy.read_only) add("read everything");
  if (policy.jobs) add(fmt::format("jobs {}*", *policy.jobs));
  for (const auto& grant : policy.objects) {
    add(fmt::format("{} s3://{}/{}*", grant.most == api::Access::write ? "write" : "read", grant.bucket, grant.prefix));
  }
  return words;
}

Result<int> add_key(const KeysOptions& options, const fs::path& file, std::ostream& out, std::ostream& err) {
  auto policy = policy_of(options);
  if (!policy) return fail(policy.error());
  SystemRandom random;
  const api::Key key{options.name, aws::make_credentials(random), std::move(*policy)};
  const auto added = api::change_keys(file, [&](std::vector<api::Key>& keys) -> Result<void> {
    keys.push_back(key);
    return {};
  });
  if (!added) return fail(added.error());
  out << fmt::format("[{}]\naws_access_key_id = {}\naws_secret_access_key = {}\n", key.name, key.credentials.access_key,
                     key.credentials.secret);
  err << fmt::format("Key '{}' may: {}. Append the lines above to ~/.aws/credentials; use them with --profile {}.\n",
                     key.name, in_words(key.policy), key.name);
  return kExitDone;
}

Result<int> list_keys(const fs::path& file, std::ostream& out) {
  const auto keys = api::read_keys(file);
  if (!keys) return fail(keys.error());
  out << fmt::format("{:<20} {:<22} {}\n", "NAME", "ACCESS KEY", "MAY");
  for (const auto& key : *keys)
    out << fmt::format("{:<20} {:<22} {}\n", key.name, key.credentials.access_key, in_words(key.policy));
  return kExitDone;
}

Result<int> remove_key(const std::string& name, const fs::path& file, std::ostream& out) {
  const auto removed = api::change_keys(file, [&](std::vector<api::Key>& keys) -> Result<void> {
    if (std::erase_if(keys, [&](const api::Key& key) { return key.name == name; }) == 0)
      return fail(Kind::not_found, "there is no key '{}': `holdfast keys list` shows those that there are", name);
    return {};
  });
  if (!removed) return fail(removed.error());
  out << fmt::format("Key '{}' is removed; requests signed with it are refused from now on.\n", name);
  return kExitDone;
}

}  // namespace

int keys(const KeysOptions& options, std::ostream& out, std::ostream& err) {
  const fs::path data = options.data;
  std::error_code error;
  if (!fs::is_directory(data, error)) {
    err << "holdfast: there is no data folder " << data.string() << ": start `holdfast serve` once, or give --data\n";
    return kExitNoAnswer;
  }
  const auto file = data / kKeysFile;
  const auto done = options.action == KeysOptions::Action::add      ? add_key(options, file, out, err)
                    : options.action == KeysOptions::Action::remove ? remove_key(options.name, file, out)
                                                                    : list_keys(file, out);
  if (done) return *done;
  err << "holdfast: " << done.error().message << '\n';
  return done.error().kind == Kind::invalid ? kExitUsage : kExitNoAnswer;
}

}  // namespace holdfast::cli
