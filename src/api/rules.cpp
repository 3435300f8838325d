#include "api/rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <re2/re2.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/rules_text.hpp"
#include "base/ensure.hpp"

namespace holdfast::api {
namespace {

using nlohmann::json;

// ---- constraints as SageMaker words them

template <class Number>
std::string at_least(const char* what, Number min) {
  return fmt::format("Member must have {} greater than or equal to {}", what, min);
}
template <class Number>
std::string at_most(const char* what, Number max) {
  return fmt::format("Member must have {} less than or equal to {}", what, max);
}

std::string one_of(const String& shape) {
  return fmt::format("Member must satisfy enum value set: [{}]", fmt::join(shape.values, ", "));
}
std::string matching(const Pattern& pattern) {
  return "Member must satisfy regular expression pattern: " + pattern.text();
}

// What is said of a map: every constraint of its keys or values, broken or not.
std::vector<std::string> all_constraints(const String& shape) {
  std::vector<std::string> out;
  if (shape.max) out.push_back(at_most("length", *shape.max));
  out.push_back(at_least("length", shape.min.value_or(0)));
  if (shape.pattern) out.push_back(matching(*shape.pattern));
  if (!shape.values.empty()) out.push_back(one_of(shape));
  return out;
}

bool is_listed(const String& shape, const std::string& value) {
  return std::find(shape.values.begin(), shape.values.end(), value) != shape.values.end() ||
         (shape.other_values && shape.other_values->matches(value));
}

std::vector<std::string> broken_constraints(const String& shape, const std::string& value) {
  std::vector<std::string> out;
  const std::size_t length = count_characters(value);
  if (!shape.values.empty() && !is_listed(shape, value)) out.push_back(one_of(shape));
  if (shape.pattern && !shape.pattern->matches(value)) out.push_back(matching(*shape.pattern));
  if (shape.max && length > *shape.max) out.push_back(at_most("length", *shape.max));
  if (shape.min && length < *shape.min) out.push_back(at_least("length", *shape.min));
  return out;
}

// ---- the walk over the constraints

class Checker {
 public:
  void walk(const json& value, const Shape& shape, const std::string& path) {
    if (full()) return;
    std::visit([&](const auto& kind) { on(kind, value, path); }, shape.kind);
  }
  std::vector<Violation> take() { return std::move(found_); }

 private:
  bool full() const { return found_.size() >= kMaxViolations; }
  void add(const std::string& path, std::string text) {
    if (!full()) found_.push_back({path, std::move(text)});
  }
  void refuse(const std::string& echoed, const std::string& path, const std::string& constraint) {
    add(path, fmt::format("Value '{}' at '{}' failed to satisfy constraint: {}", echoed, path, constraint));
  }
  void refuse_null(const std::string& path) {
    add(path, fmt::format("Value null at '{}' failed to satisfy constraint: Member must not be null", path));
  }

  void on(const String& shape, const json& value, const std::string& path) {
    for (const auto& constraint : broken_constraints(shape, value.get_ref<const std::string&>())) {
      refuse(echo(value), path, constraint);
    }
  }
  void on(const Integer& shape, const json& value, const std::string& path) {
    in_range(shape, value.get<std::int64_t>(), value, path);
  }
  void on(const Long& shape, const json& value, const std::string& path) {
    in_range(shape, value.get<std::int64_t>(), value, path);
  }
  void on(const Float& shape, const json& value, const std::string& path) {
    in_range(shape, value.get<double>(), value, path);
  }
  void on(const Boolean&, const json&, const std::string&) {}
  void on(const Timestamp&, const json&, const std::string&) {}
  void on(const Opaque&, const json&, const std::string&) {}

  void on(const Unsupported& shape, const json& value, const std::string& path) {
    const auto as_given = [&](const std::string& harmless) {
      return value.dump(-1, ' ', false, json::error_handler_t::replace) == harmless;
    };
    if (std::any_of(shape.harmless.begin(), shape.harmless.end(), as_given)) return;
    add(path, fmt::format("'{}' is not supported: {}", path, shape.advice));
  }
  void on(const List& shape, const json& value, const std::string& path) {
    has_size(shape, value, path);
    for (std::size_t i = 0; i < value.size() && !full(); ++i) {
      required_walk(value[i], *shape.element, element_path(path, i));
    }
  }
  void on(const Map& shape, const json& value, const std::string& path) {
    has_size(shape, value, path);
    const String* text_value = std::get_if<String>(&shape.value->kind);
    json wrong_keys = json::object();
    json wrong_values = json::object();
    for (const auto& [key, element] : value.items()) {
      if (full()) return;
      if (!broken_constraints(shape.key, key).empty()) wrong_keys[key] = element;
      if (!text_value || element.is_null()) {
        required_walk(element, *shape.value, path + '.' + truncated(key) + ".member");
      } else if (!broken_constraints(*text_value, element.get_ref<const std::string&>()).empty()) {
        wrong_values[key] = element;
      }
    }
    refuse_entries("Map keys", shape.key, value, wrong_keys, path);
    if (text_value) refuse_entries("Map value", *text_value, value, wrong_values, path);
  }
  void on(const Structure& shape, const json& value, const std::string& path) {
    for (const Member& member : shape.members) {
      const auto found = value.find(member.name);
      const bool absent = found == value.end() || found->is_null();
      if (absent && member.required) refuse_null(join_path(path, member.name));
      if (!absent) walk(*found, *member.shape, join_path(path, member.name));
    }
    for (const auto& [name, element] : value.items()) {
      if (full()) return;
      const auto known = [&name = name](const Member& member) { return member.name == name; };
      if (element.is_null() || std::any_of(shape.members.begin(), shape.members.end(), known)) continue;
      add(join_path(path, name), describe_unknown_member(shape, name, path));
    }
  }

  void required_walk(const json& value, const Shape& shape, const std::string& path) {
    if (value.is_null()) return refuse_null(path);
    walk(value, shape, path);
  }
  void refuse_entries(const char* which, const String& shape, const json& map, const json& wrong,
                      const std::string& path) {
    if (wrong.empty()) return;
    refuse(echo_map(map, wrong), path,
           fmt::format("{} must satisfy constraint: [{}]", which, fmt::join(all_constraints(shape), ", ")));
  }
  template <class Range>
  void has_size(const Range& shape, const json& value, const std::string& path) {
    if (shape.max && value.size() > *shape.max) refuse(echo(value), path, at_most("length", *shape.max));
    if (shape.min && value.size() < *shape.min) refuse(echo(value), path, at_least("length", *shape.min));
  }
  template <class Range, class Number>
  void in_range(const Range& shape, Number number, const json& value, const std::string& path) {
    if (shape.max && number > *shape.max) refuse(echo(value), path, at_most("value", *shape.max));
    if (shape.min && number < *shape.min) refuse(echo(value), path, at_least("value", *shape.min));
  }

  std::vector<Violation> found_;
};

}  // namespace

Pattern::Pattern(std::string text, const std::string& equivalent)
    : text_(std::move(text)), compiled_(std::make_shared<const re2::RE2>(equivalent, re2::RE2::Quiet)) {
  ENSURE(compiled_->ok(), "pattern {}: {}", equivalent, compiled_->error());
}

bool Pattern::matches(std::string_view value) const {
  return re2::RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *compiled_);
}

std::vector<Violation> check(const json& value, const Shape& shape) {
  Checker checker;
  checker.walk(value, shape, "");
  return checker.take();
}

tl::expected<void, ApiError> validate(const json& value, const Shape& shape) {
  if (auto types = check_types(value, shape); !types) return types;
  const auto violations = check(value, shape);
  if (violations.empty()) return {};
  std::string message =
      fmt::format("{} validation error{} detected: ", violations.size(), violations.size() == 1 ? "" : "s");
  const char* separator = "";
  for (const Violation& violation : violations) {
    message += separator + violation.text;
    separator = "; ";
  }
  return tl::unexpected(validation(std::move(message)));
}

}  // namespace holdfast::api
