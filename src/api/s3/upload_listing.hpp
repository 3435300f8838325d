// ListMultipartUploads: the open uploads of a bucket, folded into common prefixes as a list of objects is.
#pragma once

#include <vector>

#include "api/s3/xml.hpp"

namespace holdfast::api::s3 {

constexpr std::size_t kMaxUploadsPerPage = 1000;  // S3's own

// What is asked for, from the query.
S3Result<UploadList> upload_list_of(const S3Request& request);
// Fills in one page of `all`, which are in order: by key, and of one key by age.
void fill(UploadList& list, const std::vector<OpenUpload>& all);

}  // namespace holdfast::api::s3
