#include "api/filter_regex.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

namespace holdfast::api::filter {

tl::expected<Regex, std::string> Regex::compile(std::string_view text) {
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(kMaxRegexMemory);
  options.set_never_capture(true);
  auto compiled = std::make_shared<const re2::RE2>(re2::StringPiece(text.data(), text.size()), options);
  if (text.empty()) return tl::unexpected(std::string("A regular expression is empty."));
  if (!compiled->ok()) {
    return tl::unexpected(
        fmt::format("The regular expression %{}% cannot be used: {}. Its syntax is RE2's.", text, compiled->error()));
  }
  return Regex(std::move(compiled));
}

bool Regex::found_in(std::string_view text) const {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *compiled_);
}

}  // namespace holdfast::api::filter
