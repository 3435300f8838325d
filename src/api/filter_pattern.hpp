// CloudWatch Logs' filter patterns. Pure: text in, yes or no out.
//
//   pattern  nothing: every message | terms | "{" condition of JSON "}" | "[" fields "]"
//   terms    ERROR -debug "two words" ?this ?that %4[0-9]+%
//                                                      all of the plain ones, none of the excluded ones and, where
//                                                      there are alternatives, one of those; letter by letter or as
//                                                      a regular expression between %, anywhere
//   JSON     { $.a.b = "x*" && ($.list[0] > 3 || $.c IS NULL) }      of messages that are JSON
//   fields   [ip, user, ..., status = 5* || status = 404, size > 1000]      of messages in columns
//
// More of the last two: filter_condition.hpp.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace holdfast::api {

constexpr std::size_t kMaxFilterPattern = 1024;  // characters, as in Logs' model
constexpr std::size_t kMaxFilterParts = 64;      // terms, conditions or fields
constexpr std::size_t kMaxFilterRegexes = 8;     // of kMaxRegexMemory each
constexpr int kMaxFilterDepth = 16;              // of parentheses

class FilterPattern {
 public:
  // The error says what is wrong with it, as a sentence.
  static tl::expected<FilterPattern, std::string> parse(std::string_view text);

  // From any thread.
  bool matches(std::string_view message) const { return matcher_->matches(message); }

  class Matcher {
   public:
    virtual ~Matcher() = default;
    virtual bool matches(std::string_view message) const = 0;
  };

 private:
  explicit FilterPattern(std::shared_ptr<const Matcher> matcher) : matcher_(std::move(matcher)) {}
  std::shared_ptr<const Matcher> matcher_;  // shared by the copies that std::function makes; it never changes
};

}  // namespace holdfast::api
