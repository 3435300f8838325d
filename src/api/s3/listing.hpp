// ListObjects and ListObjectVersions: keys of one level, the folders below it folded into common prefixes.
#pragma once

#include "api/s3/xml.hpp"
#include "ports/object_store.hpp"

namespace holdfast::api::s3 {

// What is asked for, from the query.
S3Result<Listing> listing_of(const S3Request& request);
// What a list shows in a key's place: the folder below `prefix` that it lies in. Empty: it lies in none.
std::string folder_of(const std::string& key, const std::string& prefix, const std::string& delimiter);
// Fills in what there is.
Result<void> fill(Listing& listing, ports::ObjectStore& objects);

}  // namespace holdfast::api::s3
