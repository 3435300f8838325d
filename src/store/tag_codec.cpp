#include "store/tag_codec.hpp"

#include <nlohmann/json.hpp>

namespace holdfast::store {

std::string encode_tags(const ports::Tags& tags) {
  return nlohmann::json(tags).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

ports::Tags decode_tags(const std::string& text) { return nlohmann::json::parse(text).get<ports::Tags>(); }

}  // namespace holdfast::store
