// Where a bucket or an object is spoken to, in path or virtual-hosted style, on AWS or on an endpoint of one's own.
#pragma once

#include <string>
#include <string_view>

#include "http/origin.hpp"
#include "objects/s3_options.hpp"

namespace holdfast::objects {

struct S3Address {
  http::Origin origin;
  std::string path;  // encoded; "/" at least
};

// RFC 3986, as signatures want it: everything but letters, digits and "-._~" becomes %XX; '/' stays if told so.
std::string encode_uri(std::string_view text, bool keep_slashes);
// What a listing in "encoding-type=url" has done to a key: %XX and '+' for a space. Wrong escapes stay as they are.
std::string decode_uri(std::string_view text);

// Checked once, before the first request: Kind::invalid says which option is wrong and how it should be.
Result<void> check_options(const S3Options& options);
// Of that: how much of this machine it may take.
Result<void> check_use(const S3Options& options);

// `region` may differ from the options': a bucket of AWS may turn out to be elsewhere. Bucket and key may be empty.
S3Address address_of(const S3Options& options, std::string_view region, std::string_view bucket, std::string_view key);

}  // namespace holdfast::objects
