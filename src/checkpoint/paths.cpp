#include "checkpoint/paths.hpp"

#include "base/utf8.hpp"

namespace holdfast::checkpoint {
namespace {

// Calls `visit` for each part between slashes until it answers false.
template <class Visit>
bool every_part(std::string_view path, const Visit& visit) {
  for (;;) {
    const auto slash = path.find('/');
    if (!visit(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

std::string_view folder_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

bool is_safe_path(std::string_view path) {
  if (path.empty() || path.size() > kMaxPath || path.find('\0') != std::string_view::npos || !is_utf8(path))
    return false;
  return every_part(path, [](std::string_view part) { return !part.empty() && part != "." && part != ".."; });
}

std::optional<std::string> leads_to(const Link& link) {
  const auto& target = link.target;
  if (target.empty() || target.size() > kMaxPath || target.front() == '/' ||
      target.find('\0') != std::string_view::npos || !is_utf8(target)) {
    return std::nullopt;
  }
  auto at = std::string(folder_of(link.path));
  bool named = false;
  const bool inside = every_part(target, [&](std::string_view part) {
    if (part.empty() || part == ".") return true;
    if (part != "..") {
      named = true;
      at.append(at.empty() ? "" : "/").append(part);
      return true;
    }
    if (named || at.empty()) return false;
    at = std::string(folder_of(at));
    return true;
  });
  return inside ? std::optional{at} : std::nullopt;
}

bool is_excluded(std::string_view path) {
  return !every_part(path, [](std::string_view part) {
    return !(part.starts_with(".holdfast") || part.ends_with(".sagemaker-ignore") ||
             part.ends_with(".sagemaker-uploading") || part.ends_with(".sagemaker-uploaded"));
  });
}

}  // namespace holdfast::checkpoint
