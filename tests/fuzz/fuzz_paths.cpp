// Paths and object keys that others choose. Two of them, a NUL between: what is true of each, and of both.
#include <filesystem>

#include "api/shapes/paths.hpp"
#include "checkpoint/paths.hpp"
#include "fuzz/input.hpp"
#include "objects/key_path.hpp"
#include "ports/object_store.hpp"

namespace holdfast::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestFileName = 255;

// By counting what leads up and down, so not with the code that is tested.
bool stays_below(std::string_view path) {
  if (path.starts_with('/')) return false;
  for (const auto& part : fs::path(path))
    if (part.empty() || part == "." || part == "..") return false;
  return true;
}

void check_path(const std::string& path) {
  checkpoint::is_excluded(path);
  if (checkpoint::is_safe_path(path)) {
    ENSURE(stays_below(path), "'{}' may lead elsewhere", path);
    const fs::path joined = fs::path("/opt/ml/checkpoints") / path;
    ENSURE(joined == joined.lexically_normal() && joined.string() == "/opt/ml/checkpoints/" + path,
           "'{}' has another spelling", path);
  }
  if (const auto normal = api::shapes::normal_path(path)) {
    ENSURE(normal->starts_with('/') && (*normal == "/" || !normal->ends_with('/')), "'{}' is not normal", *normal);
    ENSURE(api::shapes::normal_path(*normal) == normal, "'{}' is not normal", *normal);
    ENSURE(*normal == "/" || stays_below(normal->substr(1)), "'{}' leads up", *normal);
    ENSURE(api::shapes::overlap(*normal, *normal) && api::shapes::overlap(*normal, "/"), "'{}' is elsewhere", *normal);
  }
  if (const auto location = ports::parse_s3_uri(path)) {
    ENSURE(location->bucket.find('/') == std::string::npos && !location->bucket.empty(), "a bucket with a slash");
    const auto again = ports::parse_s3_uri("s3://" + location->bucket + "/" + location->key);
    ENSURE(again && again->bucket == location->bucket && again->key == location->key, "'{}' is another place", path);
  }
}

// By the library's own arithmetic with paths.
void check_link(const checkpoint::Link& link) {
  const auto to = checkpoint::leads_to(link);
  if (!to || !checkpoint::is_safe_path(link.path)) return;
  ENSURE(to->empty() || stays_below(*to), "'{}' at '{}' leads to '{}'", link.target, link.path, *to);
  const auto normal = ("/" / fs::path(link.path).parent_path() / link.target / ".").lexically_normal();
  ENSURE(normal == (fs::path("/") / *to / "").lexically_normal(), "'{}' leads to '{}', not '{}'", link.target,
         normal.string(), *to);
}

using Names = std::vector<std::string>;

// The names of a key's file; nothing when it is no key.
std::optional<Names> check_key(const std::string& key) {
  const auto names = objects::file_of_key(key);
  if (!names) return std::nullopt;
  std::string back;
  for (std::size_t i = 0; i < names->size(); ++i) {
    const auto& name = (*names)[i];
    ENSURE(!name.empty() && name.size() <= kLongestFileName && name != "." && name != "..", "a file '{}'", name);
    ENSURE(name.find_first_of(std::string_view{"/\0", 2}) == std::string::npos, "a file '{}'", name);
    const bool last = i + 1 == names->size();
    const auto part = last ? objects::key_part_of_object(name) : objects::key_part_of_folder(name);
    ENSURE(part, "a file of ours that is not known again: '{}'", name);
    back += *part;
  }
  ENSURE(back == key, "'{}' comes back as '{}'", key, back);
  return *names;
}

// Two keys are two files, and neither file is a folder of the other.
void check_keys(const Names& a, const Names& b) {
  const auto [in_a, in_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  ENSURE(in_a != a.end() && in_b != b.end(), "one place for two keys");
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  fuzz::Input input(bytes, size);
  const std::string first{input.until('\0')};
  const std::string second{input.rest()};
  fuzz::check_path(first);
  fuzz::check_path(second);
  fuzz::check_link({first, second});
  const auto one = fuzz::check_key(first);
  const auto other = fuzz::check_key(second);
  if (one && other && first != second) fuzz::check_keys(*one, *other);
  // As names of files, which anybody may have put there.
  objects::key_part_of_folder(first);
  objects::key_part_of_object(first);
  if (objects::is_bucket_name(first)) ENSURE(fuzz::stays_below(first), "a bucket '{}'", first);
  if (api::shapes::normal_path(first) && api::shapes::normal_path(second))
    ENSURE(api::shapes::overlap(first, second) == api::shapes::overlap(second, first), "one overlaps, the other not");
  return 0;
}
