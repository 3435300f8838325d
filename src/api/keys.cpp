#include "api/keys.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.hpp"
#include "base/log.hpp"

namespace holdfast::api {

using nlohmann::json;

namespace {

constexpr std::size_t kMaxKeyName = 64;

json to_json(const Key& key) {
  json out = {{"name", key.name}, {"access_key", key.credentials.access_key}, {"secret", key.credentials.secret}};
  if (key.policy.admin) out["admin"] = true;
  if (key.policy.read_only) out["read_only"] = true;
  if (key.policy.jobs) out["jobs"] = *key.policy.jobs;
  for (const auto& grant : key.policy.objects) {
    out["objects"].push_back(
        {{"bucket", grant.bucket}, {"prefix", grant.prefix}, {"write", grant.most == Access::write}});
  }
  return out;
}

Key key_of(const json& in) {
  Key key;
  key.name = in.at("name");
  key.credentials = {in.at("access_key"), in.at("secret"), ""};
  key.policy.admin = in.value("admin", false);
  key.policy.read_only = in.value("read_only", false);
  if (in.contains("jobs")) key.policy.jobs = in.at("jobs").get<std::string>();
  for (const auto& grant : in.value("objects", json::array())) {
    key.policy.objects.push_back({grant.at("bucket"), grant.value("prefix", std::string()),
                                  grant.value("write", false) ? Access::write : Access::read});
  }
  return key;
}

Result<void> check(const std::vector<Key>& keys) {
  if (keys.size() > kMaxKeys) return fail(Kind::invalid, "more than {} keys", kMaxKeys);
  std::set<std::string_view> names, access_keys;
  for (const auto& key : keys) {
    if (!is_key_name(key.name))
      return fail(Kind::invalid, "'{}' is no name of a key: write 1 to {} letters, digits, '-' or '_', but not {}",
                  key.name, kMaxKeyName, kRootName);
    if (!names.insert(key.name).second) return fail(Kind::invalid, "there are two keys '{}'", key.name);
    if (key.credentials.access_key.empty() || key.credentials.secret.empty())
      return fail(Kind::invalid, "key '{}' lacks its access key or its secret", key.name);
    if (!access_keys.insert(key.credentials.access_key).second)
      return fail(Kind::invalid, "key '{}' has another key's access key", key.name);
    if (key.policy == Policy{}) return fail(Kind::invalid, "key '{}' may do nothing at all", key.name);
    if (key.policy.objects.size() > kMaxGrantsPerKey)
      return fail(Kind::invalid, "key '{}' has more than {} places in S3", key.name, kMaxGrantsPerKey);
  }
  return {};
}

}  // namespace

bool is_key_name(std::string_view name) {
  return name != kRootName && !name.empty() && name.size() <= kMaxKeyName && std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

std::string encode_keys(const std::vector<Key>& keys) {
  json list = json::array();
  for (const auto& key : keys) list.push_back(to_json(key));
  return json{{"v", 1}, {"keys", std::move(list)}}.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<std::vector<Key>> parse_keys(std::string_view text) {
  try {
    const json file = json::parse(text);
    if (file.at("v") != 1) return fail(Kind::invalid, "keys of a version that this Holdfast does not know");
    std::vector<Key> keys;
    for (const auto& key : file.at("keys")) keys.push_back(key_of(key));
    if (auto fine = check(keys); !fine) return fail(fine.error());
    return keys;
  } catch (const json::exception&) {
    // What the library says of it may quote a secret.
    return fail(Kind::invalid, "not a file of keys, or damaged");
  }
}

Result<std::vector<Key>> read_keys(const std::filesystem::path& path) {
  const auto text = read_file(path, kMaxKeysFile);
  if (!text && text.error().kind == Kind::not_found) return std::vector<Key>{};
  if (!text) return fail(text.error());
  auto keys = parse_keys(*text);
  if (!keys) return fail(keys.error(), "reading {}", path.string());
  return keys;
}

Result<void> change_keys(const std::filesystem::path& path,
                         const std::function<Result<void>(std::vector<Key>&)>& change) {
  const auto lock_path = path.string() + ".lock";
  const Fd lock{::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!lock) return fail_errno("opening " + lock_path, errno);
  if (::flock(lock.get(), LOCK_EX) != 0) return fail_errno("locking " + lock_path, errno);
  auto keys = read_keys(path);
  if (!keys) return fail(keys.error());
  if (auto changed = change(*keys); !changed) return changed;
  if (auto fine = check(*keys); !fine) return fine;
  return write_file_atomically(path, encode_keys(*keys), 0600);
}

std::optional<Key> KeyRing::find(std::string_view access_key) {
  const std::lock_guard lock(mutex_);
  refresh();
  const auto found =
      std::ranges::find_if(keys_, [&](const Key& key) { return key.credentials.access_key == access_key; });
  return found == keys_.end() ? std::nullopt : std::optional(*found);
}

void KeyRing::refresh() {
  const auto news = file_.look();
  if (news == WatchedFile::News::gone) keys_.clear();
  if (news != WatchedFile::News::changed) return;
  auto keys = read_keys(file_.path());
  if (keys) {
    keys_ = std::move(*keys);
  } else {
    log_error("the access keys stay as they were: {}", keys.error().message);
  }
}

}  // namespace holdfast::api
