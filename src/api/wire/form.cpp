#include "api/wire/form.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>

#include "api/rules_text.hpp"
#include "api/s3/request.hpp"
#include "api/wire/timestamp.hpp"
#include "base/overload.hpp"
#include "base/utf8.hpp"

namespace holdfast::api::wire {
namespace {

using nlohmann::json;
template <class T>
using Read = tl::expected<T, ApiError>;

struct Node {
  std::optional<std::string> value;
  std::map<std::string, Node, std::less<>> parts;
};

tl::unexpected<ApiError> wrong(std::string message) { return tl::unexpected(serialization(std::move(message))); }

struct Pair {
  std::string_view name, value;  // still encoded
};
Pair next_pair(std::string_view& form) {
  const auto end = std::min(form.find('&'), form.size());
  const auto pair = form.substr(0, end);
  form.remove_prefix(std::min(form.size(), end + 1));
  const auto equals = std::min(pair.find('='), pair.size());
  return {pair.substr(0, equals), pair.substr(std::min(pair.size(), equals + 1))};
}

std::optional<std::string> decoded(std::string_view text) {
  auto plain = s3::url_decode(text, true);
  return plain && is_utf8(*plain) ? plain : std::nullopt;
}

// `nodes` counts those that were made.
Read<void> plant(Node& root, std::string_view name, std::string value, std::size_t& nodes) {
  Node* node = &root;
  std::size_t depth = 0;
  for (std::string_view rest = name;;) {
    const auto dot = std::min(rest.find('.'), rest.size());
    const auto part = rest.substr(0, dot);
    if (part.empty() || ++depth > kMaxFormDepth)
      return wrong(fmt::format("'{}' is no name of a parameter.", truncated(std::string(name))));
    const auto found = node->parts.find(part);
    if (found == node->parts.end() && ++nodes > kMaxFormNodes)
      return wrong(fmt::format("The request's names have more than {} parts.", kMaxFormNodes));
    node = found != node->parts.end() ? &found->second : &node->parts[std::string(part)];
    if (dot == rest.size()) break;
    rest.remove_prefix(dot + 1);
  }
  if (node->value) return wrong(fmt::format("'{}' is given twice.", truncated(std::string(name))));
  node->value = std::move(value);
  return {};
}

Read<Node> grow(std::string_view form) {
  Node root;
  std::size_t nodes = 0;
  while (!form.empty()) {
    const auto pair = next_pair(form);
    if (pair.name.empty() && pair.value.empty()) continue;
    const auto name = decoded(pair.name);
    auto value = decoded(pair.value);
    if (!name || !value) return wrong("The form is not percent-encoded UTF-8.");
    if (auto planted = plant(root, *name, std::move(*value), nodes); !planted) return tl::unexpected(planted.error());
  }
  return root;
}

Read<json> convert(const Node& node, const Shape& shape, const std::string& path);

tl::unexpected<ApiError> wrong_value(const Node& node, const char* what, const std::string& path) {
  return wrong(fmt::format("The value {} for parameter {} is invalid: it is not {}.",
                           truncated(node.value.value_or("(a structure)")), path, what));
}

Read<json> integer_of(const Node& node, const std::string& path) {
  const std::string text = node.value.value_or("");
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return wrong_value(node, "an integer", path);
  return json(number);
}

// "NaN" and "Infinity" are numbers here: the operation refuses them in its own words.
Read<json> number_of(const Node& node, const std::string& path) {
  const std::string text = node.value.value_or("");
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return wrong_value(node, "a number", path);
  return json(number);
}

Read<json> boolean_of(const Node& node, const std::string& path) {
  if (node.value == "true") return json(true);
  if (node.value == "false") return json(false);
  return wrong_value(node, "true or false", path);
}

Read<json> timestamp_of(const Node& node, const std::string& path) {
  const auto seconds = parse_timestamp(node.value.value_or(""));
  if (!seconds) return wrong_value(node, "a time such as 2026-11-23T03:28:48Z", path);
  return json(*seconds);
}

// "X.member.1", "X.member.2" ... in the order of their numbers; "X=" is the empty list.
Read<json> list_of(const List& list, const Node& node, const std::string& path) {
  json elements = json::array();
  if (node.parts.empty() && node.value == "") return elements;
  const auto members = node.parts.find("member");
  if (node.value || members == node.parts.end() || node.parts.size() != 1 || members->second.value)
    return wrong_value(node, "a list, written as NAME.member.1, NAME.member.2", path);
  std::map<std::uint32_t, const Node*> in_order;
  for (const auto& [digits, element] : members->second.parts) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || end != digits.data() + digits.size() || !in_order.emplace(number, &element).second)
      return wrong_value(node, "a list numbered 1, 2, 3", path);
  }
  for (const auto& [number, element] : in_order) {
    auto value = convert(*element, *list.element, fmt::format("{}.member.{}", path, number));
    if (!value) return value;
    elements.push_back(std::move(*value));
  }
  return elements;
}

Read<json> structure_of(const Structure& structure, const Node& node, const std::string& path) {
  if (node.value && (!node.value->empty() || !node.parts.empty())) return wrong_value(node, "a structure", path);
  json members = json::object();
  for (const auto& [name, part] : node.parts) {
    const auto known = std::find_if(structure.members.begin(), structure.members.end(),
                                    [&name = name](const Member& member) { return member.name == name; });
    if (known == structure.members.end()) {
      members[name] = part.value.value_or("");
      continue;
    }
    auto value = convert(part, *known->shape, path.empty() ? name : path + '.' + name);
    if (!value) return value;
    members[name] = std::move(*value);
  }
  return members;
}

Read<json> convert(const Node& node, const Shape& shape, const std::string& path) {
  return std::visit(
      Overload{
          [&](const String&) -> Read<json> {
            if (!node.parts.empty()) return wrong_value(node, "a string", path);
            return json(node.value.value_or(""));
          },
          [&](const Integer&) { return integer_of(node, path); },
          [&](const Long&) { return integer_of(node, path); },
          [&](const Float&) { return number_of(node, path); },
          [&](const Boolean&) { return boolean_of(node, path); },
          [&](const Timestamp&) { return timestamp_of(node, path); },
          [&](const List& list) { return list_of(list, node, path); },
          [&](const Structure& structure) { return structure_of(structure, node, path); },
          // No operation that speaks this protocol takes one.
          [&](const Map&) -> Read<json> { return wrong_value(node, "understood: maps are not taken in a form", path); },
          [&](const Opaque&) -> Read<json> { return json(node.value.value_or("")); },
          [&](const Unsupported&) -> Read<json> { return json(node.value.value_or("")); },
      },
      shape.kind);
}

}  // namespace

std::optional<std::string> find_parameter(std::string_view form, std::string_view name) {
  while (!form.empty()) {
    const auto pair = next_pair(form);
    if (pair.name == name) return decoded(pair.value);
  }
  return std::nullopt;
}

tl::expected<json, ApiError> read_form(std::string_view form, const Shape& input) {
  auto root = grow(form);
  if (!root) return tl::unexpected(root.error());
  root->parts.erase("Action");
  root->parts.erase("Version");
  return convert(*root, input, "");
}

}  // namespace holdfast::api::wire
