// An object's tags: in the header of a put ("team=a&cost%20centre=7") and as the XML of ?tagging.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/s3/request.hpp"

namespace holdfast::api::s3 {

constexpr std::size_t kMaxTags = 10;  // S3's own, all three; the lengths in bytes
constexpr std::size_t kMaxTagKey = 128;
constexpr std::size_t kMaxTagValue = 256;

using Tags = std::vector<std::pair<std::string, std::string>>;

// BadRequest and InvalidTag as S3 has them.
S3Result<Tags> tags_in_header(std::string_view header);
S3Result<Tags> parse_tagging(std::string_view xml);
std::string tags_header(const Tags& tags);
std::string tagging_xml(const Tags& tags);

}  // namespace holdfast::api::s3
