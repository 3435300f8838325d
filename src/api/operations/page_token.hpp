// The NextToken of a list: where it goes on, bound to the question that it continues. Opaque to clients.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/errors.hpp"

namespace holdfast::api {

using PagePosition = std::pair<std::string, std::string>;  // sort key and name

std::string make_page_token(const PagePosition& position, std::string_view question);
// Empty: not a token of ours, or of another question.
std::optional<PagePosition> read_page_token(std::string_view token, std::string_view question);

ApiError wrong_page_token();

// Lower-case hexadecimal digits to bytes.
std::optional<std::string> from_hex(std::string_view digits);

}  // namespace holdfast::api
