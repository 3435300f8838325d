// CBOR (RFC 8949) as smithy's rpc-v2-cbor uses it: JSON's values in bytes, and instants as tag 1. Our own reader and
// not the JSON library's, because that one follows nested input as deep as the stack goes, and further.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "api/errors.hpp"
#include "api/rules.hpp"

namespace holdfast::api::wire {

// One map, with text for keys, at most kMaxJsonDepth levels deep. Tags are dropped (an instant becomes its number of
// seconds), undefined is null. Byte strings, which no operation takes, and everything malformed:
// SerializationException.
[[nodiscard]] tl::expected<nlohmann::json, ApiError> read_cbor(std::string_view bytes);

// `value` as `shape` declares it: its timestamps with tag 1, its floats as such even where they are whole.
std::string write_cbor(const nlohmann::json& value, const Shape& shape);
// Without a shape: an error's body.
std::string write_cbor(const nlohmann::json& value);

}  // namespace holdfast::api::wire
