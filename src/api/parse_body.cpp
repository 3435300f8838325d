// The JSON of a request: read by RapidJSON, which is faster than nlohmann's own parser, into nlohmann's tree
// (docs/decisions/0018-stored-jobs-by-rapidjson.md).
#include <fmt/format.h>
#include <rapidjson/reader.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/rules.hpp"
#include "base/utf8.hpp"

namespace holdfast::api {
namespace {

using nlohmann::json;

// What the reader tells, put together. A false answer ends the reading.
class Tree {
 public:
  bool Null() { return add(nullptr); }
  bool Bool(bool value) { return add(value); }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
    const std::string_view number(text, size);
    const bool whole = number.find_first_of(".eE") == number.npos;
    if (whole && add_integer(number)) return true;
    double value = 0;
    if (std::from_chars(text, text + size, value).ec == std::errc::result_out_of_range) {
      // Which tells what is too large from what is too small.
      value = std::strtod(std::string(number).c_str(), nullptr);
      too_large_ = std::isinf(value);
    }
    return !too_large_ && add(value);
  }
  // Numbers come as they are written.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }
  bool String(const char* text, rapidjson::SizeType size, bool) { return add(std::string(text, size)); }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    key_.assign(text, size);
    return true;
  }
  bool StartObject() { return open(json::object()); }
  bool StartArray() { return open(json::array()); }
  bool EndObject(rapidjson::SizeType) { return close(); }
  bool EndArray(rapidjson::SizeType) { return close(); }

  bool too_deep() const { return too_deep_; }
  bool too_large() const { return too_large_; }
  json take() { return std::move(root_); }

 private:
  json& place() {
    if (open_.empty()) return root_;
    auto& parent = *open_.back();
    if (parent.is_object()) return parent[key_];
    parent.push_back(nullptr);
    return parent.back();
  }
  template <class Value>
  bool add(Value&& value) {
    place() = std::forward<Value>(value);
    return true;
  }
  template <class Integer>
  bool add_if_it_fits(std::string_view number) {
    Integer value = 0;
    const auto read = std::from_chars(number.data(), number.data() + number.size(), value);
    return read.ec == std::errc{} && add(value);
  }
  bool add_integer(std::string_view number) {
    return number.starts_with('-') ? add_if_it_fits<std::int64_t>(number) : add_if_it_fits<std::uint64_t>(number);
  }
  bool open(json empty) {
    too_deep_ = open_.size() == static_cast<std::size_t>(kMaxJsonDepth);
    if (too_deep_) return false;
    auto& there = place();
    there = std::move(empty);
    open_.push_back(&there);  // it stays where it is: until it is closed nothing is put beside it
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  json root_;
  std::vector<json*> open_;
  std::string key_;
  bool too_deep_ = false, too_large_ = false;
};

ApiError no_json(std::size_t byte) {
  return serialization(fmt::format("The request body is not valid JSON in UTF-8 (at byte {}).", byte));
}

}  // namespace

tl::expected<json, ApiError> parse_body(std::string_view body) {
  if (body.size() > kMaxBodyBytes) return tl::unexpected(request_too_large(kMaxBodyBytes));
  if (const auto good = json_prefix(body); good < body.size()) return tl::unexpected(no_json(good + 1));
  std::string text(body);
  rapidjson::InsituStringStream stream(text.data());
  rapidjson::Reader reader;
  Tree tree;
  // Without recursion, whatever is nested how deep. Numbers as text: RapidJSON's own are either not exact or, in
  // Debian's version, undefined where they are zero.
  constexpr unsigned kHow =
      rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;
  const auto result = reader.Parse<kHow>(stream, tree);
  if (tree.too_deep()) {
    return tl::unexpected(
        serialization(fmt::format("The request body is nested deeper than {} levels.", kMaxJsonDepth)));
  }
  if (tree.too_large() || result.Code() == rapidjson::kParseErrorNumberTooBig)
    return tl::unexpected(serialization("The request body holds a number that is too large."));
  if (result.IsError()) return tl::unexpected(no_json(result.Offset() + 1));
  auto parsed = tree.take();
  if (!parsed.is_object()) return tl::unexpected(serialization("The request body is not a JSON object."));
  return parsed;
}

}  // namespace holdfast::api
