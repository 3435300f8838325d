// A store by its address, for programs that are given one: a directory, or an S3 on this machine.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>

#include "base/random.hpp"
#include "base/time.hpp"
#include "objects/credential_chain.hpp"
#include "objects/file_store.hpp"
#include "objects/s3_store.hpp"
#include "ports/object_store.hpp"

namespace holdfast::testing {

// "http://HOST:PORT", with the keys of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a directory, whose objects
// survive a crash of a process and no loss of power. The bucket is made where it is missing.
inline Result<std::unique_ptr<ports::ObjectStore>> store_at(const std::string& place, const std::string& bucket) {
  static SystemClock clock;
  static SystemRandom random;
  std::unique_ptr<ports::ObjectStore> store;
  if (place.starts_with("http")) {
    const auto variable = [](const char* name) {
      const char* value = std::getenv(name);
      return std::string(value == nullptr ? "" : value);
    };
    auto opened = objects::S3Store::open(
        {.endpoint = place},
        objects::fixed_credentials({variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"), ""}, clock),
        clock, random);
    if (!opened) return fail(opened.error());
    store = std::move(*opened);
  } else {
    auto opened = objects::FileStore::open(place, objects::Durability::process);
    if (!opened) return fail(opened.error());
    store = std::move(*opened);
  }
  const auto there = store->bucket_exists(bucket);
  if (!there) return fail(there.error());
  if (!*there) {
    if (auto made = store->create_bucket(bucket); !made) return fail(made.error());
  }
  return store;
}

}  // namespace holdfast::testing
