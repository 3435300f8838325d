// Paths that come from outside, before anything is made of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::api::shapes {

// "/a/b" of "/a//b/": nothing unless the path is absolute and has no ".." component.
std::optional<std::string> normal_path(std::string_view path);

// One is the other, or lies in it. Both are normal.
bool overlap(const std::string& a, const std::string& b);

}  // namespace holdfast::api::shapes
