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

bool is_safe_path(std::string_view path) {
  if (path.empty() || path.size() > kMaxPath || path.find('\0') != std::string_view::npos || !is_utf8(path))
    return false;
  return every_part(path, [](std::string_view part) { return !part.empty() && part != "." && part != ".."; });
}

bool is_excluded(std::string_view path) {
  return !every_part(path, [](std::string_view part) {
    return !(part.starts_with(".holdfast") || part.ends_with(".sagemaker-ignore") ||
             part.ends_with(".sagemaker-uploading") || part.ends_with(".sagemaker-uploaded"));
  });
}

}  // namespace holdfast::checkpoint
