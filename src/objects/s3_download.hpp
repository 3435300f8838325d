// Getting an object, or a range of it, through connections that break.
#pragma once

#include <string>

#include "objects/s3_requests.hpp"
#include "ports/object_store.hpp"

namespace holdfast::objects {

// `version`: the ETag, without quotes, of the only object that will do; any other is Kind::conflict. Empty: whichever
// is there.
Result<std::uint64_t> download(S3Requests& requests, const std::string& bucket, const std::string& key,
                               const std::string& version, std::uint64_t offset, std::uint64_t length,
                               const ports::ObjectStore::Sink& sink);

// The whole of a small object, with the checksum that it was stored with where the server sends one.
Result<std::string> download_bytes(S3Requests& requests, const std::string& bucket, const std::string& key,
                                   std::size_t limit);

}  // namespace holdfast::objects
