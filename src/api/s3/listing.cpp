#include "api/s3/listing.hpp"

#include <algorithm>

#include "api/operations/page_token.hpp"
#include "api/s3/s3_api.hpp"
#include "aws/sha256.hpp"

namespace holdfast::api::s3 {

namespace {

// Sorts after every key that begins with `prefix`: no UTF-8 text holds this byte.
std::string behind_all_of(const std::string& prefix) { return prefix + '\xff'; }

}  // namespace

std::string folder_of(const std::string& key, const std::string& prefix, const std::string& delimiter) {
  if (delimiter.empty()) return "";
  const auto end = key.find(delimiter, prefix.size());
  return end == std::string::npos ? "" : key.substr(0, end + delimiter.size());
}

S3Result<Listing> listing_of(const S3Request& request) {
  Listing listing;
  listing.kind = request.asks("versions")            ? ListKind::versions
                 : request.value("list-type") == "2" ? ListKind::version_2
                                                     : ListKind::version_1;
  const bool version_2 = listing.kind == ListKind::version_2;
  listing.bucket = request.bucket;
  listing.prefix = request.value("prefix");
  listing.delimiter = request.value("delimiter");
  listing.after = request.value(version_2                            ? "start-after"
                                : listing.kind == ListKind::versions ? "key-marker"
                                                                     : "marker");
  listing.after_version = request.value("version-id-marker");
  if (version_2) listing.continuation = request.value("continuation-token");
  listing.url_encoded = request.value("encoding-type") == "url";
  listing.with_owner = !version_2 || request.value("fetch-owner") == "true";
  if (const auto encoding = request.value("encoding-type"); !encoding.empty() && encoding != "url")
    return tl::unexpected(invalid_argument("Invalid Encoding Method specified in Request"));
  if (!listing.after_version.empty() && listing.after.empty())
    return tl::unexpected(invalid_argument("A version-id marker cannot be specified without a key marker."));
  const auto most = number_of(request, "max-keys", kMaxKeysPerPage);
  if (!most) return tl::unexpected(most.error());
  listing.max_keys = std::min(*most, kMaxKeysPerPage);
  if (!listing.continuation.empty() && !from_hex(listing.continuation))
    return tl::unexpected(invalid_argument("The continuation token provided is incorrect"));
  return listing;
}

Result<void> fill(Listing& listing, ports::ObjectStore& objects) {
  // The position is the last key or folder shown: of no key is there a version behind the only one. A folder's own name
  // sorts before what is in it.
  std::string position = listing.continuation.empty() ? listing.after : *from_hex(listing.continuation);
  std::string shown;  // last
  // Ending in the delimiter is not enough: with prefix "a" and delimiter "aa", "aa" is an object like any other.
  const auto is_folder = [&](const std::string& text) {
    return !text.empty() && folder_of(text, listing.prefix, listing.delimiter) == text;
  };
  if (is_folder(position)) position = behind_all_of(position);
  while (listing.max_keys > 0) {
    const auto page = objects.list(listing.bucket, listing.prefix, position, kMaxKeysPerPage);
    if (!page) return fail(page.error());
    for (const auto& object : page->objects) {
      position = object.key;
      const std::string folder = folder_of(object.key, listing.prefix, listing.delimiter);
      if (!folder.empty() && folder == shown) continue;
      if (listing.objects.size() + listing.common_prefixes.size() == listing.max_keys) {
        listing.truncated = true;
        listing.next = listing.kind == ListKind::version_2 ? aws::to_hex(shown) : shown;
        return {};
      }
      shown = folder.empty() ? object.key : folder;
      if (folder.empty()) {
        listing.objects.push_back(object);
      } else {
        listing.common_prefixes.push_back(folder);
      }
    }
    if (!page->truncated) break;
    // The rest of a folder need not be read.
    if (is_folder(shown) && position.starts_with(shown)) position = behind_all_of(shown);
  }
  return {};
}

}  // namespace holdfast::api::s3
