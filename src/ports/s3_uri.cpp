#include "ports/object_store.hpp"

namespace holdfast::ports {

Result<S3Location> parse_s3_uri(std::string_view uri) {
  constexpr std::string_view scheme = "s3://";
  if (!uri.starts_with(scheme)) return fail(Kind::invalid, "'{}' is not an S3 URI: write s3://bucket/prefix", uri);
  uri.remove_prefix(scheme.size());
  const auto slash = uri.find('/');
  S3Location location{std::string(uri.substr(0, slash)),
                      slash == std::string_view::npos ? "" : std::string(uri.substr(slash + 1))};
  if (location.bucket.empty()) return fail(Kind::invalid, "'s3://{}' names no bucket: write s3://bucket/prefix", uri);
  return location;
}

std::string folder_prefix(const S3Location& location) {
  const auto& key = location.key;
  return key.empty() || key.ends_with('/') ? key : key + '/';
}

}  // namespace holdfast::ports
