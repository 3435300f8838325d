#include "app/buckets_command.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "app/open_buckets.hpp"
#include "app/progress.hpp"
#include "cli/text.hpp"
#include "objects/key_path.hpp"

namespace holdfast::app {

namespace {

namespace fs = std::filesystem;
using cli::BucketsOptions;
using objects::BucketPlace;

// Paths are the service's, which runs in another folder.
std::string absolute(const std::string& path) {
  return path.empty() ? "" : fs::absolute(path).lexically_normal().string();
}

Result<BucketPlace> place_of(const BucketsOptions& options) {
  if (options.s3.empty() == options.directory.empty())
    return fail(Kind::invalid, "say where the bucket is: --s3 URL, --s3 aws or --directory DIR");
  BucketPlace place{.bucket = options.name};
  if (!options.directory.empty()) {
    place.directory = absolute(options.directory);
    while (place.directory.size() > 1 && place.directory.ends_with('/')) place.directory.pop_back();
    return place;
  }
  auto& s3 = place.s3;
  s3.endpoint = options.s3 == "aws" ? "" : options.s3;
  while (s3.endpoint.ends_with('/')) s3.endpoint.pop_back();
  s3.region = options.region;
  s3.style = options.style == "path"      ? objects::AddressStyle::path
             : options.style == "virtual" ? objects::AddressStyle::virtual_host
                                          : objects::AddressStyle::automatic;
  s3.encryption = options.encryption == "s3"    ? objects::Encryption::s3
                  : options.encryption == "kms" ? objects::Encryption::kms
                                                : objects::Encryption::bucket_default;
  s3.kms_key = options.kms_key;
  s3.bucket_key = options.bucket_key;
  if (options.connections > 0) s3.connections = static_cast<std::size_t>(options.connections);
  if (options.memory_mib > 0) s3.memory = static_cast<std::uint64_t>(options.memory_mib) << 20;
  if (options.part_size_mib > 0) s3.part_size = static_cast<std::uint64_t>(options.part_size_mib) << 20;
  if (options.no_checksums) s3.checksums = objects::Checksums::never;
  s3.ca_file = absolute(options.ca);
  s3.proxy = options.proxy;
  place.credentials = {absolute(options.credentials), options.profile};
  return place;
}

// What the embedded store has would be hidden, with all that jobs have saved there.
Result<void> check_not_embedded(const fs::path& data, const std::string& bucket) {
  std::error_code error;
  if (bucket == objects::kEveryOtherBucket || !fs::exists(data / "objects" / bucket, error)) return {};
  return fail(Kind::conflict, "the service itself has a bucket {}: move its objects and delete it first (aws s3 rb)",
              bucket);
}

// Used once as a job would use it: what is wrong with an address or a key shows now, not when a job starts.
Result<std::string> try_out(const BucketPlace& place) {
  SystemClock clock;
  SystemRandom random;
  auto store = open_place(place, {clock, random, kCallersPatience});
  if (!store) return fail(store.error());
  if (place.bucket == objects::kEveryOtherBucket) return "not tried: a job's bucket is looked for when it is created";
  if (place.is_directory()) {
    if (auto made = (*store)->create_bucket(place.bucket); !made) return fail(made.error());
  }
  const auto exists = (*store)->bucket_exists(place.bucket);
  if (!exists) return fail(exists.error());
  if (!*exists)
    return fail(Kind::not_found, "{} answers, but has no bucket {}: create it there first, or look at --region",
                objects::to_string(place), place.bucket);
  const std::string key = ".holdfast-tried";
  if (auto put = (*store)->put_bytes(place.bucket, key, "written by `holdfast buckets add`\n"); !put)
    return fail(put.error());
  if (auto removed = (*store)->remove(place.bucket, key); !removed) return fail(removed.error());
  return "tried: it can be written";
}

Result<int> add(const BucketsOptions& options, const fs::path& data) {
  auto place = place_of(options);
  if (!place) return fail(place.error());
  if (auto fine = objects::check_places({*place}); !fine) return fail(fine.error());
  if (auto free = check_not_embedded(data, place->bucket); !free) return fail(free.error());
  std::string tried = "not tried";
  if (!options.unchecked) {
    auto said = try_out(*place);
    if (!said) return fail(said.error(), "trying bucket {} (--unchecked adds it all the same)", place->bucket);
    tried = std::move(*said);
  }
  const auto changed = objects::change_places(data / kPlacesFile, [&](std::vector<BucketPlace>& places) {
    std::erase_if(places, [&](const BucketPlace& known) { return known.bucket == place->bucket; });
    places.push_back(*place);
    return Result<void>();
  });
  if (!changed) return fail(changed.error());
  fmt::print("Bucket {} is kept at {} from now on ({}). Attempts that run go on as they began.\n", place->bucket,
             objects::to_string(*place), tried);
  if (!place->is_directory())
    fmt::print("The service needs credentials for it where it runs, as this command had here.\n");
  return cli::kExitDone;
}

std::string options_in_words(const BucketPlace& place) {
  if (place.is_directory()) return "directory";
  std::string words = "S3";
  const auto more = [&](const char* name, const std::string& value) {
    if (!value.empty()) words += fmt::format(", {} {}", name, value);
  };
  if (!place.s3.endpoint.empty()) more("region", place.s3.region);
  if (place.s3.encryption == objects::Encryption::s3) words += ", SSE-S3";
  if (place.s3.encryption == objects::Encryption::kms) words += ", SSE-KMS";
  more("key", place.s3.kms_key);
  if (place.s3.bucket_key) words += *place.s3.bucket_key ? ", bucket key" : ", no bucket key";
  const objects::S3Options usual;
  if (place.s3.connections != usual.connections) more("connections", std::to_string(place.s3.connections));
  if (place.s3.memory != usual.memory) more("memory", readable_bytes(place.s3.memory));
  if (place.s3.part_size != usual.part_size) more("parts of", readable_bytes(place.s3.part_size));
  more("CA", place.s3.ca_file);
  more("profile", place.credentials.profile);
  more("credentials", place.credentials.credentials_file);
  return words;
}

Result<int> list(const fs::path& data) {
  const auto places = objects::read_places(data / kPlacesFile);
  if (!places) return fail(places.error());
  std::vector<std::vector<std::string>> rows{{"BUCKET", "WHERE", "HOW"}};
  for (const auto& place : *places) rows.push_back({place.bucket, objects::to_string(place), options_in_words(place)});
  const bool others =
      std::ranges::any_of(*places, [](const auto& place) { return place.bucket == objects::kEveryOtherBucket; });
  rows.push_back({others ? "those it has" : "all others", (data / "objects").string(), "the service itself"});
  fmt::print("{}", cli::render_table(rows));
  return cli::kExitDone;
}

Result<int> remove(const std::string& name, const fs::path& data) {
  const auto changed =
      objects::change_places(data / kPlacesFile, [&](std::vector<BucketPlace>& places) -> Result<void> {
        if (std::erase_if(places, [&](const BucketPlace& place) { return place.bucket == name; }) > 0) return {};
        return fail(Kind::not_found, "no place is said for bucket {}: `holdfast buckets list` shows those that are",
                    name);
      });
  if (!changed) return fail(changed.error());
  fmt::print("Forgotten where bucket {} is; nothing in it was touched. Attempts that run still use it.\n", name);
  return cli::kExitDone;
}

Result<int> perform(const BucketsOptions& options) {
  std::error_code error;
  const auto data = fs::canonical(options.data, error);
  if (error || !fs::is_directory(data, error))
    return fail(Kind::not_found, "there is no data folder {}: start `holdfast serve` once, or give --data",
                options.data);
  switch (options.action) {
    case BucketsOptions::Action::add:
      return add(options, data);
    case BucketsOptions::Action::remove:
      return remove(options.name, data);
    case BucketsOptions::Action::list:
      break;
  }
  return list(data);
}

}  // namespace

int buckets(const BucketsOptions& options) {
  const auto done = perform(options);
  if (done) return *done;
  std::fprintf(stderr, "holdfast: %s\n", done.error().message.c_str());
  return done.error().kind == Kind::invalid ? cli::kExitUsage : cli::kExitNoAnswer;
}

}  // namespace holdfast::app
