// ListObjects and ListObjectVersions: keys of one level, the folders below it folded into common prefixes.
#pragma once

#include "api/s3/xml.hpp"
#include "ports/object_store.hpp"

namespace holdfast::api::s3 {

// What is asked for, from the query.
S3Result<Listing> listing_of(const S3Request& request);
// Fills in what there is.
Result<void> fill(Listing& listing, ports::ObjectStore& objects);

}  // namespace holdfast::api::s3
