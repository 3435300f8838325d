// What a request may look like, declared as data and checked as SageMaker's own generated validator does: types first,
// then every broken constraint at once, in its wording.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "api/errors.hpp"

namespace re2 {
class RE2;
}

namespace holdfast::api {

// Larger than any request that keeps the services' own limits, with every character written as \uXXXX; the largest is a
// mebibyte of PutLogEvents.
constexpr std::size_t kMaxBodyBytes = std::size_t{8} * 1024 * 1024;
constexpr int kMaxJsonDepth = 32;
// Refused values are quoted up to here; "..." follows where one is longer.
constexpr std::size_t kMaxEchoedCharacters = 512;
// The walk ends at this many: a request this wrong is not read to its end.
constexpr std::size_t kMaxViolations = 50;

// A regular expression that must match the whole value, with or without anchors. Compiled once, safe to share
// between threads.
class Pattern {
 public:
  // `text` is SageMaker's, and is what a violation quotes. Where RE2 cannot read it (look-behind) or reads it otherwise
  // than Java does (the dot), `equivalent` says the same in RE2's words.
  explicit Pattern(const std::string& text) : Pattern(text, text) {}
  Pattern(std::string text, const std::string& equivalent);
  const std::string& text() const { return text_; }
  bool matches(std::string_view value) const;

 private:
  std::string text_;
  std::shared_ptr<const re2::RE2> compiled_;  // shared, because shapes are copied while they are put together
};

struct Shape;
// Shared, because Tag or S3Uri is a part of many inputs. Never null, and never changed once built.
using ShapePtr = std::shared_ptr<const Shape>;

// Lengths count Unicode characters.
struct String {
  std::optional<std::size_t> min = {};
  std::optional<std::size_t> max = {};
  std::optional<Pattern> pattern = {};
  std::vector<std::string> values = {};      // the enum; empty: none
  std::optional<Pattern> other_values = {};  // values newer than the enum, accepted by their form
};
struct Integer {  // 32 bits
  std::optional<std::int64_t> min = {};
  std::optional<std::int64_t> max = {};
};
struct Long {
  std::optional<std::int64_t> min = {};
  std::optional<std::int64_t> max = {};
};
struct Float {
  std::optional<double> min = {};
  std::optional<double> max = {};
};
struct Boolean {};
struct Timestamp {};  // epoch seconds, fractions allowed
struct List {
  std::optional<std::size_t> min = {};
  std::optional<std::size_t> max = {};
  ShapePtr element = {};
};
struct Map {  // of strings to `value`
  std::optional<std::size_t> min = {};
  std::optional<std::size_t> max = {};
  String key = {};
  ShapePtr value = {};
};
struct Member {
  std::string name;
  ShapePtr shape;
  bool required = false;
};
constexpr bool kRequired = true;
struct Structure {
  std::vector<Member> members = {};
};
struct Opaque {};  // anything: accepted and echoed
struct Unsupported {
  std::string advice;                      // what to do instead: a whole sentence
  std::vector<std::string> harmless = {};  // values that ask for nothing, in JSON as nlohmann writes it: accepted
};

struct Shape {
  std::variant<String, Integer, Long, Float, Boolean, Timestamp, List, Map, Structure, Opaque, Unsupported> kind;
};

template <class Kind>
ShapePtr shape(Kind kind) {
  return std::make_shared<const Shape>(Shape{std::move(kind)});
}

struct Violation {
  std::string path;  // "resourceConfig.instanceType"; empty: the request itself
  std::string text;  // the whole sentence
};

// A SerializationException for the first member whose JSON type is wrong.
[[nodiscard]] tl::expected<void, ApiError> check_types(const nlohmann::json& value, const Shape& shape);

// The constraints that `value` breaks, in the order in which the shape declares its members, unknown members last.
// null members count as absent. The JSON types must be right already: see check_types.
std::vector<Violation> check(const nlohmann::json& value, const Shape& shape);

// Both, in this order; all violations together are one ValidationException.
[[nodiscard]] tl::expected<void, ApiError> validate(const nlohmann::json& value, const Shape& shape);

// The JSON object of a request body. Malformed JSON, invalid UTF-8, a lone surrogate, more than kMaxJsonDepth levels:
// SerializationException.
[[nodiscard]] tl::expected<nlohmann::json, ApiError> parse_body(std::string_view body);

}  // namespace holdfast::api
