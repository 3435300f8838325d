#include "objects/bucket_places.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.hpp"
#include "objects/key_path.hpp"
#include "objects/s3_address.hpp"

namespace holdfast::objects {

using nlohmann::json;

// Found by argument-dependent look-up, so not in the anonymous namespace.
NLOHMANN_JSON_SERIALIZE_ENUM(AddressStyle, {{AddressStyle::automatic, "automatic"},
                                            {AddressStyle::path, "path"},
                                            {AddressStyle::virtual_host, "virtual"}})
NLOHMANN_JSON_SERIALIZE_ENUM(Encryption,
                             {{Encryption::bucket_default, "bucket"}, {Encryption::s3, "s3"}, {Encryption::kms, "kms"}})
NLOHMANN_JSON_SERIALIZE_ENUM(Checksums, {{Checksums::automatic, "automatic"}, {Checksums::never, "never"}})

namespace {

constexpr std::uint64_t kMaxNumber = 1u << 30;
constexpr const char* kAws = "aws";  // in place of an endpoint's URL
constexpr std::size_t kMaxText = 4096;
constexpr std::uint64_t kMiB = 1u << 20;

// What is as it would be anyway is not written.
json to_json(const BucketPlace& place) {
  json out{{"bucket", place.bucket}};
  if (place.is_directory()) {
    out["directory"] = place.directory;
    return out;
  }
  const S3Options defaults;
  const auto& s3 = place.s3;
  const auto text = [&](const char* name, const std::string& value) {
    if (!value.empty()) out[name] = value;
  };
  out["s3"] = s3.endpoint.empty() ? kAws : s3.endpoint;
  if (s3.region != defaults.region) out["region"] = s3.region;
  if (s3.style != defaults.style) out["style"] = s3.style;
  text("ca_file", s3.ca_file);
  text("proxy", s3.proxy);
  if (s3.encryption != defaults.encryption) out["encryption"] = s3.encryption;
  text("kms_key", s3.kms_key);
  if (s3.bucket_key) out["bucket_key"] = *s3.bucket_key;
  if (s3.checksums != defaults.checksums) out["checksums"] = s3.checksums;
  if (s3.connections != defaults.connections) out["connections"] = s3.connections;
  if (s3.memory != defaults.memory) out["memory_mib"] = s3.memory / kMiB;
  if (s3.part_size != defaults.part_size) out["part_size_mib"] = s3.part_size / kMiB;
  text("profile", place.credentials.profile);
  text("credentials_file", place.credentials.credentials_file);
  return out;
}

// An enumeration's converter would take an unknown word for its first value.
template <class Enum>
Enum word_from(const json& in, const char* name, Enum fallback) {
  if (!in.contains(name)) return fallback;
  const auto value = in.at(name).get<Enum>();
  if (json(value) != in.at(name)) throw std::invalid_argument(std::string(name) + " has an unknown value");
  return value;
}

// Small enough to be counted in bytes; what is sensible is checked with the rest.
std::uint64_t number_from(const json& in, const char* name, std::uint64_t fallback) {
  if (!in.contains(name)) return fallback;
  const auto& value = in.at(name);
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > kMaxNumber)
    throw std::invalid_argument(std::string(name) + " is no number, or far too large");
  return value.get<std::uint64_t>();
}

BucketPlace place_from(const json& in) {
  static const std::set<std::string> known{"bucket",       "directory",  "s3",        "region",           "style",
                                           "ca_file",      "proxy",      "profile",   "credentials_file", "encryption",
                                           "kms_key",      "bucket_key", "checksums", "connections",      "memory_mib",
                                           "part_size_mib"};
  // A misspelt word must not become a default that nobody wanted.
  for (const auto& [name, value] : in.items()) {
    if (!known.contains(name)) throw std::invalid_argument("'" + name + "' is not known");
  }
  BucketPlace place{.bucket = in.at("bucket").get<std::string>()};
  if (in.contains("directory")) {
    if (in.size() > 2) throw std::invalid_argument("a directory has no further options");
    place.directory = in.at("directory").get<std::string>();
    return place;
  }
  auto& s3 = place.s3;
  const auto text = [&](const char* name, std::string fallback) { return in.value(name, std::move(fallback)); };
  s3.endpoint = in.at("s3").get<std::string>();
  if (s3.endpoint == kAws) s3.endpoint.clear();
  s3.region = text("region", s3.region);
  s3.style = word_from(in, "style", s3.style);
  s3.ca_file = text("ca_file", "");
  s3.proxy = text("proxy", "");
  s3.encryption = word_from(in, "encryption", s3.encryption);
  s3.kms_key = text("kms_key", "");
  if (in.contains("bucket_key")) s3.bucket_key = in.at("bucket_key").get<bool>();
  s3.checksums = word_from(in, "checksums", s3.checksums);
  s3.connections = static_cast<std::size_t>(number_from(in, "connections", s3.connections));
  s3.memory = number_from(in, "memory_mib", s3.memory / kMiB) * kMiB;
  s3.part_size = number_from(in, "part_size_mib", s3.part_size / kMiB) * kMiB;
  place.credentials.profile = text("profile", "");
  place.credentials.credentials_file = text("credentials_file", "");
  return place;
}

bool is_absolute(const std::string& path) { return path.starts_with('/') && path.size() <= kMaxText; }

// A URL in messages and lists must not show a password.
Result<void> check_endpoint(const std::string& url) {
  if (url.empty()) return {};
  const auto scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  const auto host = std::string_view(url).substr(static_cast<std::size_t>(scheme));
  if (scheme == 0 || host.empty() || url.size() > kMaxText)
    return fail(Kind::invalid, "an S3's address is `aws`, or a URL such as https://s3.example.org:9000");
  if (host.find('@') != std::string_view::npos)
    return fail(Kind::invalid,
                "the URL of an S3 must not hold a password: credentials come from the environment, or from "
                "--profile or --credentials");
  if (host.find_first_of("/?# ") != std::string_view::npos)
    return fail(Kind::invalid, "{}: the URL of an S3 ends after its host and port", url);
  return {};
}

Result<void> check(const BucketPlace& place) {
  if (place.bucket != kEveryOtherBucket && !is_bucket_name(place.bucket))
    return fail(Kind::invalid, "'{}' is no bucket's name: 3 to 63 of a-z, 0-9, '.' and '-', or '*' for all others",
                place.bucket);
  if (place.is_directory()) {
    if (is_absolute(place.directory)) return {};
    return fail(Kind::invalid, "bucket {}: the directory '{}' is not an absolute path", place.bucket, place.directory);
  }
  const auto& s3 = place.s3;
  if (auto fine = check_endpoint(s3.endpoint); !fine) return fail(fine.error(), "bucket {}", place.bucket);
  if (s3.region.empty()) return fail(Kind::invalid, "bucket {}: the region is empty", place.bucket);
  for (const auto* path : {&s3.ca_file, &place.credentials.credentials_file}) {
    if (!path->empty() && !is_absolute(*path))
      return fail(Kind::invalid, "bucket {}: '{}' is not an absolute path", place.bucket, *path);
  }
  if (auto fine = check_use(s3); !fine) return fail(fine.error(), "bucket {}", place.bucket);
  if (s3.encryption != Encryption::kms && (!s3.kms_key.empty() || s3.bucket_key))
    return fail(Kind::invalid,
                "bucket {}: a KMS key and a bucket key are for encryption with KMS: say --encryption kms",
                place.bucket);
  return {};
}

}  // namespace

std::string to_string(const BucketPlace& place) {
  if (place.is_directory()) return place.directory;
  return place.s3.endpoint.empty() ? fmt::format("AWS ({})", place.s3.region) : place.s3.endpoint;
}

Result<void> check_places(const std::vector<BucketPlace>& places) {
  if (places.size() > kMaxBucketPlaces) return fail(Kind::invalid, "more than {} buckets", kMaxBucketPlaces);
  std::set<std::string_view> names;
  for (const auto& place : places) {
    if (auto fine = check(place); !fine) return fine;
    if (!names.insert(place.bucket).second) return fail(Kind::invalid, "bucket {} stands twice", place.bucket);
  }
  return {};
}

std::string encode_places(const std::vector<BucketPlace>& places) {
  json list = json::array();
  for (const auto& place : places) list.push_back(to_json(place));
  return json{{"v", 1}, {"buckets", std::move(list)}}.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<std::vector<BucketPlace>> parse_places(std::string_view text) try {
  const json file = json::parse(text);
  if (file.at("v") != 1) return fail(Kind::invalid, "a list of buckets of a version that this Holdfast does not know");
  std::vector<BucketPlace> places;
  for (const auto& place : file.at("buckets")) places.push_back(place_from(place));
  if (auto fine = check_places(places); !fine) return fail(fine.error());
  return places;
} catch (const std::exception& error) {
  return fail(Kind::invalid, "not a list of buckets: {}", error.what());
}

Result<std::vector<BucketPlace>> read_places(const std::filesystem::path& file) {
  const auto text = read_file(file, kMaxBucketPlacesFile);
  if (!text && text.error().kind == Kind::not_found) return std::vector<BucketPlace>{};
  if (!text) return fail(text.error());
  auto places = parse_places(*text);
  if (!places) return fail(places.error(), "reading {}", file.string());
  return places;
}

Result<void> change_places(const std::filesystem::path& file,
                           const std::function<Result<void>(std::vector<BucketPlace>&)>& change) {
  const auto lock_path = file.string() + ".lock";
  const Fd lock{::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!lock) return fail_errno("opening " + lock_path, errno);
  if (::flock(lock.get(), LOCK_EX) != 0) return fail_errno("locking " + lock_path, errno);
  auto places = read_places(file);
  if (!places) return fail(places.error());
  if (auto changed = change(*places); !changed) return changed;
  if (auto fine = check_places(*places); !fine) return fine;
  return write_file_atomically(file, encode_places(*places), 0600);
}

bool same_store(const BucketPlace& one, const BucketPlace& other) {
  const auto without_name = [](BucketPlace place) {
    place.bucket.clear();
    return to_json(place);
  };
  return without_name(one) == without_name(other);
}

}  // namespace holdfast::objects
