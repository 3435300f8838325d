// A regular expression in a filter pattern: RE2's, whose time grows with the text alone and whose memory is bounded.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace re2 {
class RE2;
}

namespace holdfast::api::filter {

constexpr std::int64_t kMaxRegexMemory = 1024 * 1024;

class Regex {
 public:
  // The error is a sentence.
  static tl::expected<Regex, std::string> compile(std::string_view text);
  // Anywhere in the text. From any thread.
  bool found_in(std::string_view text) const;

 private:
  explicit Regex(std::shared_ptr<const re2::RE2> compiled) : compiled_(std::move(compiled)) {}
  std::shared_ptr<const re2::RE2> compiled_;  // shared by the copies of a condition; it never changes
};

}  // namespace holdfast::api::filter
