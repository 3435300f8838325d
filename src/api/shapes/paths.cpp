#include "api/shapes/paths.hpp"

#include <algorithm>
#include <filesystem>

namespace holdfast::api::shapes {

namespace fs = std::filesystem;

std::optional<std::string> normal_path(std::string_view path) {
  const fs::path given(path);
  if (!given.is_absolute() || std::find(given.begin(), given.end(), "..") != given.end()) return {};
  std::string normal = given.lexically_normal().string();
  while (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  return normal;
}

bool overlap(const std::string& a, const std::string& b) {
  const fs::path first(a);
  const fs::path second(b);
  const auto [in_first, in_second] = std::mismatch(first.begin(), first.end(), second.begin(), second.end());
  return in_first == first.end() || in_second == second.end();
}

}  // namespace holdfast::api::shapes
