#include "sim/content.hpp"

#include <fmt/format.h>

#include <charconv>
#include <set>

namespace holdfast::sim {
namespace {

constexpr std::size_t kFiller = 96;

std::optional<std::uint64_t> number_at(std::string_view& text, char end) {
  std::uint64_t value = 0;
  const auto [next, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto used = static_cast<std::size_t>(next - text.data());
  if (error != std::errc() || used >= text.size() || text[used] != end) return std::nullopt;
  text.remove_prefix(used + 1);
  return value;
}

// "step-7/part-1" lies in "step-7", "part-1" in "".
std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}
std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

std::string file_content(const FileContent& content) {
  return fmt::format("{} {} {} {} {}\n", content.step, content.number, content.of,
                     std::string(kFiller, static_cast<char>('a' + content.step % 26)), content.step);
}

std::optional<FileContent> parse_content(std::string_view bytes) {
  const auto step = number_at(bytes, ' ');
  const auto number = number_at(bytes, ' ');
  const auto of = number_at(bytes, ' ');
  if (!step || !number || !of) return std::nullopt;
  const FileContent content{*step, static_cast<std::uint32_t>(*number), static_cast<std::uint32_t>(*of)};
  if (!file_content(content).ends_with(bytes) || bytes.size() < kFiller) return std::nullopt;
  return content;
}

Found look_at(const std::map<std::string, std::string>& files) {
  // Programs ignore what they did not finish to write beside.
  std::map<std::string, std::set<std::uint32_t>> parts;
  std::map<std::string, std::pair<std::uint64_t, std::uint32_t>> is;
  bool torn = false;
  bool any = false;
  std::map<std::string, bool> torn_folder;
  for (const auto& [path, bytes] : files) {
    if (!name_of(path).starts_with("part-") || path.ends_with(".tmp")) continue;
    any = true;
    const auto folder = folder_of(path);
    const auto content = parse_content(bytes);
    if (!content) {
      torn_folder[folder] = true;
      continue;
    }
    const auto [known, first] = is.insert({folder, {content->step, content->of}});
    if (known->second != std::pair{content->step, content->of}) torn_folder[folder] = true;
    parts[folder].insert(content->number);
  }
  if (!any) return {};
  Found best;
  for (const auto& [folder, what] : is) {
    const bool whole = !torn_folder[folder] && parts[folder].size() == what.second;
    if (!best.step || what.first > *best.step) {
      best.step = what.first;
      torn = !whole;
    }
  }
  for (const auto& [folder, is_torn] : torn_folder) torn = torn || (is_torn && !is.contains(folder));
  if (torn) return {std::nullopt, true};
  return best;
}

}  // namespace holdfast::sim
