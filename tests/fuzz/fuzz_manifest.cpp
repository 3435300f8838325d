// A checkpoint's manifest as it lies in somebody's bucket. The body alone will do: its header, which holds the body's
// hash, is put before it.
#include <deque>
#include <filesystem>
#include <map>

#include "checkpoint/hash.hpp"
#include "checkpoint/ledger.hpp"
#include "checkpoint/manifest.hpp"
#include "checkpoint/paths.hpp"
#include "fuzz/input.hpp"

namespace holdfast::fuzz {
namespace {

constexpr int kMaxHops = 40;  // a kernel follows no more

void go_ahead(std::deque<std::string>& ahead, const std::string& path) {
  const std::filesystem::path parts(path);
  ahead.insert(ahead.begin(), parts.begin(), parts.end());
}

// As a kernel goes, through other links too: never above the directory.
void follow(const std::map<std::string, std::string>& links, const std::string& link) {
  std::deque<std::string> ahead;
  go_ahead(ahead, link);
  std::filesystem::path at;
  for (int hops = 0; !ahead.empty() && hops < kMaxHops;) {
    const auto part = ahead.front();
    ahead.pop_front();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      ENSURE(!at.empty(), "'{}' leads out", link);
      at = at.parent_path();
      continue;
    }
    const auto next = links.find((at / part).string());
    if (next == links.end()) {
      at /= part;
      continue;
    }
    ENSURE(!next->second.starts_with('/'), "'{}' leads anywhere", link);
    go_ahead(ahead, next->second);
    ++hops;
  }
}

void check_links(const checkpoint::Manifest& manifest) {
  std::map<std::string, std::string> links;
  for (const auto& link : manifest.links) {
    ENSURE(checkpoint::is_safe_path(link.path), "'{}' leads elsewhere", link.path);
    ENSURE(links.empty() || links.rbegin()->first < link.path, "'{}' is out of order", link.path);
    links[link.path] = link.target;
  }
  const auto behind_a_link = [&](std::filesystem::path path) {
    for (; !path.empty(); path = path.parent_path()) {
      if (links.contains(path.string())) return true;
    }
    return false;
  };
  for (const auto& [path, target] : links) {
    follow(links, path);
    ENSURE(!behind_a_link(std::filesystem::path(path).parent_path()), "'{}' lies behind a link", path);
  }
  for (const auto& file : manifest.files) ENSURE(!behind_a_link(file.path), "'{}' lies behind a link", file.path);
  for (const auto& file : checkpoint::linked_files(manifest.files, manifest.links))
    ENSURE(links.contains(file.path), "'{}' is no link", file.path);
}

void check_decoded(const checkpoint::Manifest& manifest) {
  check_links(manifest);
  const std::string* previous = nullptr;
  for (const auto& file : manifest.files) {
    ENSURE(checkpoint::is_safe_path(file.path), "'{}' leads elsewhere", file.path);
    ENSURE(!previous || *previous < file.path, "'{}' is out of order", file.path);
    ENSURE((file.mode & ~07777u) == 0, "mode {:o}", file.mode);
    const auto object = checkpoint::parse_data_name(file.object);
    ENSURE(object && object->fence <= manifest.id.fence, "'{}' is of a later attempt", file.object);
    previous = &file.path;
  }
  const auto encoded = checkpoint::encode(manifest);
  const auto again = checkpoint::decode(encoded);
  ENSURE(again, "{}", again.error().message);
  ENSURE(*again == manifest, "another manifest comes back");
  for (const std::size_t at : {std::size_t{0}, encoded.size() / 3, encoded.size() / 2, encoded.size() - 1}) {
    auto damaged = encoded;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    ENSURE(!checkpoint::decode(damaged), "byte {} is damaged and nobody noticed", at);
  }
  ENSURE(!checkpoint::decode(encoded.substr(0, encoded.size() - 1)), "the last byte is missing and nobody noticed");
}

void decode(std::string_view bytes) {
  const auto manifest = checkpoint::decode(bytes);
  if (manifest) return check_decoded(*manifest);
  ENSURE(manifest.error().kind == Kind::invalid, "{}", manifest.error().message);
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  const auto text = fuzz::Input(bytes, size).rest();
  fuzz::decode(text);
  fuzz::decode("holdfast-manifest 2 " + checkpoint::hash_of(text) + "\n" + std::string(text));
  return 0;
}
