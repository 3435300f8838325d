// Access keys: each with a name, a secret and a policy. They are kept in one file, which `holdfast keys` writes and the
// service reads again whenever it has changed:
//
//   {"v": 1, "keys": [{"name": "team-a", "access_key": "HFAK...", "secret": "...", "jobs": "team-a-",
//                      "objects": [{"bucket": "team-a", "prefix": "", "write": true}]}]}
//
// "admin": true or "read_only": true instead of "jobs" and "objects". The owner alone can read the file (0600): a
// signature can be verified only by who knows the secret itself.
#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/access.hpp"
#include "aws/credentials.hpp"
#include "base/result.hpp"
#include "base/watched_file.hpp"

namespace holdfast::api {

constexpr std::size_t kMaxKeys = 1000;
constexpr std::size_t kMaxKeysFile = 4 * 1024 * 1024;
constexpr std::size_t kMaxGrantsPerKey = 100;

struct Key {
  std::string name;  // a word: letters, digits, '-' and '_', at most 64
  aws::Credentials credentials;
  Policy policy;
};

bool is_key_name(std::string_view name);
std::string encode_keys(const std::vector<Key>& keys);
// Kind::invalid: not such a text, a name or an access key that stands twice, or a policy that says too little.
// Messages never hold a secret.
Result<std::vector<Key>> parse_keys(std::string_view text);
// No file yet: no keys.
Result<std::vector<Key>> read_keys(const std::filesystem::path& path);
// Changes the file while nobody else does: reads it, lets `change` work on the keys, and writes it in one piece.
// An error of `change` leaves it as it was.
Result<void> change_keys(const std::filesystem::path& path,
                         const std::function<Result<void>(std::vector<Key>&)>& change);

// The service's view of the file. Thread-safe; a look-up costs one stat().
class KeyRing {
 public:
  explicit KeyRing(std::filesystem::path path) : file_(std::move(path)) {}
  std::optional<Key> find(std::string_view access_key);

 private:
  // A file that cannot be read or understood leaves the keys as they were, and is said so once.
  void refresh();

  std::mutex mutex_;
  WatchedFile file_;
  std::vector<Key> keys_;
};

}  // namespace holdfast::api
