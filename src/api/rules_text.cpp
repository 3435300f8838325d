#include "api/rules_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <utility>

namespace holdfast::api {
namespace {

using nlohmann::json;

// Longer names are not looked at for a likely spelling.
constexpr std::size_t kMaxSuggestedName = 64;
// Rendering stops here, so that a huge value costs little: enough bytes for kMaxEchoedCharacters of any language.
constexpr std::size_t kMaxRenderedBytes = 4 * kMaxEchoedCharacters;

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

void render(const json& value, std::string& out);

template <class Iterable, class RenderOne>
void render_all(const Iterable& elements, char open, char close, std::string& out, const RenderOne& render_one) {
  const char* separator = "";
  out += open;
  for (const auto& element : elements) {
    if (out.size() > kMaxRenderedBytes) return;
    out += separator;
    render_one(element);
    separator = ", ";
  }
  out += close;
}

void render(const json& value, std::string& out) {
  if (value.is_object()) {
    render_all(value.get_ref<const json::object_t&>(), '{', '}', out, [&out](const auto& entry) {
      out += entry.first + '=';
      render(entry.second, out);
    });
  } else if (value.is_array()) {
    render_all(value, '[', ']', out, [&out](const json& element) { render(element, out); });
  } else if (value.is_string()) {
    out += value.get_ref<const std::string&>();
  } else {
    out += value.dump();
  }
}

bool equal_ignoring_case(char a, char b) {
  return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
}

// One character inserted, left out or replaced, case aside.
bool within_one_edit(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > 1) return false;
  const auto [in_a, in_b] = std::mismatch(a.begin(), a.end(), b.begin(), equal_ignoring_case);
  if (in_a == a.end()) return true;
  const auto rest = a.size() == b.size() ? in_a + 1 : in_a;
  return std::equal(rest, a.end(), in_b + 1, b.end(), equal_ignoring_case);
}

}  // namespace

std::size_t count_characters(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return !is_continuation(c); }));
}

std::string truncated(std::string text) {
  std::size_t characters = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (is_continuation(text[at]) || ++characters <= kMaxEchoedCharacters) continue;
    text.resize(at);
    return text + "...";
  }
  return text;
}

std::string echo(const json& value) {
  std::string out;
  render(value, out);
  return truncated(std::move(out));
}

std::string echo_map(const json& map, const json& wrong_entries) {
  std::string whole;
  render(map, whole);
  return count_characters(whole) > kMaxEchoedCharacters ? echo(wrong_entries) : whole;
}

std::string join_path(const std::string& path, const std::string& member) {
  std::string name = member;
  if (!name.empty()) name[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(name[0])));
  return path.empty() ? name : path + '.' + name;
}

std::string element_path(const std::string& path, std::size_t index) {
  return fmt::format("{}.{}.member", path, index + 1);
}

std::string describe_unknown_member(const Structure& shape, const std::string& name, const std::string& path) {
  std::string text = fmt::format("Unknown member '{}' at '{}'", truncated(name), join_path(path, truncated(name)));
  if (name.size() > kMaxSuggestedName) return text;
  for (const Member& known : shape.members) {
    if (within_one_edit(name, known.name)) return text + fmt::format(": did you mean '{}'?", known.name);
  }
  return text;
}

}  // namespace holdfast::api
