// The JSON of a request: read by RapidJSON, several times as fast as nlohmann's own parser, into nlohmann's tree.
#include <fmt/format.h>
#include <rapidjson/reader.h>

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
  bool Int(int value) { return add(std::int64_t{value}); }
  bool Uint(unsigned value) { return add(std::uint64_t{value}); }
  bool Int64(std::int64_t value) { return add(value); }
  bool Uint64(std::uint64_t value) { return add(value); }
  bool Double(double value) { return add(value); }
  bool RawNumber(const char*, rapidjson::SizeType, bool) { return false; }  // not asked for
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
  bool too_deep_ = false;
};

ApiError no_json(std::size_t byte) {
  return serialization(fmt::format("The request body is not valid JSON in UTF-8 (at byte {}).", byte));
}

}  // namespace

tl::expected<json, ApiError> parse_body(std::string_view body) {
  if (body.size() > kMaxBodyBytes) return tl::unexpected(request_too_large(kMaxBodyBytes));
  // The reader ends at the first zero, which is nowhere in JSON.
  if (const auto zero = body.find('\0'); zero != body.npos) return tl::unexpected(no_json(zero + 1));
  if (const auto good = utf8_prefix(body); good < body.size()) return tl::unexpected(no_json(good + 1));
  if (has_lone_surrogate(body))
    return tl::unexpected(serialization("The request body is not valid JSON in UTF-8 (half of a surrogate pair)."));
  std::string text(body);
  rapidjson::InsituStringStream stream(text.data());
  rapidjson::Reader reader;
  Tree tree;
  // Without recursion, whatever is nested how deep, and numbers as exactly as they are written.
  constexpr unsigned kHow =
      rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag | rapidjson::kParseFullPrecisionFlag;
  const auto result = reader.Parse<kHow>(stream, tree);
  if (tree.too_deep()) {
    return tl::unexpected(
        serialization(fmt::format("The request body is nested deeper than {} levels.", kMaxJsonDepth)));
  }
  if (result.Code() == rapidjson::kParseErrorNumberTooBig)
    return tl::unexpected(serialization("The request body holds a number that is too large."));
  if (result.IsError()) return tl::unexpected(no_json(result.Offset() + 1));
  auto parsed = tree.take();
  if (!parsed.is_object()) return tl::unexpected(serialization("The request body is not a JSON object."));
  return parsed;
}

}  // namespace holdfast::api
