// What has to be known to use an S3: where it is, how it is spoken to, and how much of this machine it may take.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace holdfast::objects {

enum class AddressStyle {
  automatic,     // AWS: virtual, but for buckets with a dot in their name; every other endpoint: path
  path,          // https://endpoint/bucket/key
  virtual_host,  // https://bucket.endpoint/key
};

enum class Encryption {
  bucket_default,  // nothing is said: what the bucket is set to
  s3,              // SSE-S3, "AES256"
  kms,             // SSE-KMS, "aws:kms"
};

enum class Checksums {
  automatic,  // a CRC-32C with every put, until the server says that it does not know it
  always,     // a server that does not know it is an error
  never,
};

struct S3Options {
  // "https://s3.example.org" or "http://127.0.0.1:9000", without a path. Empty: AWS, by region.
  std::string endpoint = {};
  std::string region = "us-east-1";
  AddressStyle style = AddressStyle::automatic;
  std::string ca_file = {};  // PEM; empty: the system's
  std::string proxy = {};    // "http://host:port"; empty: none. Never used for loopback

  Encryption encryption = Encryption::bucket_default;
  std::string kms_key = {};             // of Encryption::kms; empty: the account's aws/s3
  std::optional<bool> bucket_key = {};  // of Encryption::kms; empty: what the bucket is set to
  Checksums checksums = Checksums::automatic;

  std::size_t connections = 16;           // at once, 1 to 256
  std::uint64_t memory = 64u << 20;       // bytes of bodies in memory at once; 16 MiB at least
  std::uint64_t part_size = 8u << 20;     // of multipart uploads; 5 MiB at least, whole MiB
  Duration connect_timeout = seconds{5};  // for each address that the name has
  Duration stall_timeout = seconds{30};   // not a byte for so long
  Duration patience = minutes{2};         // how long one request is tried again before it is an error
};

// The value of an environment variable; nothing where it is not set. Mains hand in the real one.
using Environment = std::function<std::optional<std::string>(const char* name)>;

// Where the credentials come from. All of it may stay empty: then the usual places are asked in the usual order
// (environment, profile, web identity, container, instance), see docs/object-stores.md.
struct S3CredentialOptions {
  std::string credentials_file = {};  // only this one file, nothing else is asked
  std::string profile = {};           // empty: AWS_PROFILE, else "default"
};

}  // namespace holdfast::objects
