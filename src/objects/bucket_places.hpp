// Where buckets are that the embedded store does not hold: an S3 somewhere else, or a directory. `holdfast buckets`
// writes the list into the data folder, the service reads it again when it has changed, and an attempt takes it along
// as it is when it starts:
//
//   {"v": 1, "buckets": [{"bucket": "team", "s3": "https://ceph.example.org:7480", "ca_file": "/etc/ssl/ours.pem"},
//                        {"bucket": "aws-ck", "s3": "aws", "region": "eu-central-1", "encryption": "kms"},
//                        {"bucket": "shared", "directory": "/mnt/nfs"}]}
//
// There is no secret in it: credentials come from where S3CredentialOptions says.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "objects/s3_options.hpp"

namespace holdfast::objects {

constexpr std::size_t kMaxBucketPlaces = 1000;
constexpr std::size_t kMaxBucketPlacesFile = 4 * 1024 * 1024;
// As a bucket's name: all those that neither the embedded store has nor another entry names.
constexpr std::string_view kEveryOtherBucket = "*";

struct BucketPlace {
  std::string bucket;  // or kEveryOtherBucket
  std::string directory =
      {};             // absolute: the objects lie in DIRECTORY/BUCKET as the embedded store keeps them. Empty: S3
  S3Options s3 = {};  // the bucket has the same name there
  S3CredentialOptions credentials = {};

  bool is_directory() const { return !directory.empty(); }
};

// For people: "/mnt/nfs", "https://ceph.example.org:7480", "AWS (eu-central-1)".
std::string to_string(const BucketPlace& place);

// Kind::invalid, with what is wrong: a name that is no bucket's or stands twice, a URL that is none or holds a
// password, options that contradict each other.
Result<void> check_places(const std::vector<BucketPlace>& places);
std::string encode_places(const std::vector<BucketPlace>& places);
// Kind::invalid for what encode_places() would not have written.
Result<std::vector<BucketPlace>> parse_places(std::string_view text);
// No file: no places.
Result<std::vector<BucketPlace>> read_places(const std::filesystem::path& file);
// Changes the file while nobody else does; an error of `change` leaves it as it was.
Result<void> change_places(const std::filesystem::path& file,
                           const std::function<Result<void>(std::vector<BucketPlace>&)>& change);
// The same but for the bucket: one store can serve both.
bool same_store(const BucketPlace& one, const BucketPlace& other);

}  // namespace holdfast::objects
