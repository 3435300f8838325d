// Tags in a column: a JSON list of [key, value], in the order in which they were given.
#pragma once

#include <string>

#include "ports/tags.hpp"

namespace holdfast::store {

std::string encode_tags(const ports::Tags& tags);
// What encode_tags() wrote; throws what nlohmann's parser throws for anything else.
ports::Tags decode_tags(const std::string& text);

}  // namespace holdfast::store
