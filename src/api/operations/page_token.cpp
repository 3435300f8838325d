#include "api/operations/page_token.hpp"

#include <nlohmann/json.hpp>

#include "aws/sha256.hpp"

namespace holdfast::api {

namespace {

constexpr std::size_t kQuestionDigits = 16;

std::string mark_of(std::string_view question) { return aws::sha256_hex(question).substr(0, kQuestionDigits); }

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::optional<std::string> from_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = digit_of(digits[i]);
    const int low = digit_of(digits[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::string make_page_token(const PagePosition& position, std::string_view question) {
  const nlohmann::json parts = {mark_of(question), position.first, position.second};
  return aws::to_hex(parts.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::optional<PagePosition> read_page_token(std::string_view token, std::string_view question) {
  const auto text = from_hex(token);
  if (!text) return std::nullopt;
  const auto parts = nlohmann::json::parse(*text, nullptr, false);
  if (!parts.is_array() || parts.size() != 3) return std::nullopt;
  for (const auto& part : parts)
    if (!part.is_string()) return std::nullopt;
  if (parts[0] != mark_of(question)) return std::nullopt;
  return PagePosition{parts[1].get<std::string>(), parts[2].get<std::string>()};
}

ApiError wrong_page_token() { return validation("The NextToken is not one that this request gave."); }

}  // namespace holdfast::api
