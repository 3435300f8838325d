#include "api/s3/tagging.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "api/s3/xml.hpp"
#include "api/s3/xml_document.hpp"
#include "base/utf8.hpp"

namespace holdfast::api::s3 {

namespace {

S3Result<void> check(const Tags& tags) {
  if (tags.size() > kMaxTags)
    return tl::unexpected(S3Error{400, "BadRequest", "Object tags cannot be greater than 10"});
  for (auto tag = tags.begin(); tag != tags.end(); ++tag) {
    if (tag->first.empty() || tag->first.size() > kMaxTagKey || !is_utf8(tag->first))
      return tl::unexpected(S3Error{400, "InvalidTag", "The TagKey you have provided is invalid"});
    if (tag->second.size() > kMaxTagValue || !is_utf8(tag->second))
      return tl::unexpected(S3Error{400, "InvalidTag", "The TagValue you have provided is invalid"});
    if (std::any_of(tags.begin(), tag, [&](const auto& other) { return other.first == tag->first; }))
      return tl::unexpected(S3Error{400, "InvalidTag", "Cannot provide multiple Tags with the same key"});
  }
  return {};
}

}  // namespace

S3Result<Tags> tags_in_header(std::string_view header) {
  Tags tags;
  while (!header.empty()) {
    const auto pair = header.substr(0, header.find('&'));
    header.remove_prefix(std::min(header.size(), pair.size() + 1));
    const auto equals = std::min(pair.find('='), pair.size());
    const auto key = url_decode(pair.substr(0, equals), true);
    const auto value = url_decode(pair.substr(std::min(pair.size(), equals + 1)), true);
    if (!key || !value)
      return tl::unexpected(
          invalid_argument("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters "
                           "without tag name duplicates."));
    tags.emplace_back(*key, *value);
    if (tags.size() > kMaxTags) break;  // check() says so
  }
  if (auto fine = check(tags); !fine) return tl::unexpected(fine.error());
  return tags;
}

S3Result<Tags> parse_tagging(std::string_view xml) {
  const auto document = load(xml);
  if (!document || !document->child("Tagging")) return tl::unexpected(malformed_xml());
  Tags tags;
  for (const auto tag : document->child("Tagging").child("TagSet").children("Tag")) {
    if (!tag.child("Key")) return tl::unexpected(malformed_xml());
    tags.emplace_back(tag.child("Key").text().get(), tag.child("Value").text().get());
    if (tags.size() > kMaxTags) break;
  }
  if (auto fine = check(tags); !fine) return tl::unexpected(fine.error());
  return tags;
}

std::string tags_header(const Tags& tags) {
  std::string header;
  for (const auto& [key, value] : tags)
    header += fmt::format("{}{}={}", header.empty() ? "" : "&", url_encode(key), url_encode(value));
  return header;
}

std::string tagging_xml(const Tags& tags) {
  Document document("Tagging");
  auto set = document.root().append_child("TagSet");
  for (const auto& [key, value] : tags) {
    auto tag = set.append_child("Tag");
    add(tag, "Key", key);
    add(tag, "Value", value);
  }
  return document.text();
}

}  // namespace holdfast::api::s3
