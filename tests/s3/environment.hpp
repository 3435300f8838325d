// The store of these tests, and what goes into it.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/random.hpp"
#include "objects/credential_chain.hpp"
#include "objects/s3_store.hpp"

namespace holdfast::testing {

// "ENDPOINT" is the variable HOLDFAST_TEST_S3_ENDPOINT.
inline std::string given(const std::string& name, const char* otherwise = nullptr) {
  const char* value = std::getenv(("HOLDFAST_TEST_S3_" + name).c_str());
  if (!value) value = otherwise;
  REQUIRE_MESSAGE(value, "HOLDFAST_TEST_S3_" << name << " is not set: run tests/wire/test_s3_store.py");
  return value;
}

template <class T>
bool ok(const Result<T>& result) {
  if (!result) MESSAGE(result.error().message);
  return result.has_value();
}

inline objects::S3Options small_options(std::string endpoint) {
  objects::S3Options options;
  options.endpoint = std::move(endpoint);
  options.part_size = 5u << 20;
  options.connections = 8;
  options.ca_file = given("CA", "");
  options.patience = seconds{20};
  return options;
}

struct OpenStore {
  // Its bucket is "bucket".
  explicit OpenStore(std::string endpoint) : OpenStore(small_options(std::move(endpoint))) {}
  explicit OpenStore(objects::S3Options options)
      : OpenStore(std::move(options), {given("ACCESS_KEY"), given("SECRET"), ""}) {
    REQUIRE(ok(store->create_bucket("bucket")));
  }
  OpenStore(objects::S3Options options, aws::Credentials keys) {
    auto opened =
        objects::S3Store::open(std::move(options), objects::fixed_credentials(std::move(keys), clock), clock, random);
    REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
    store = std::move(*opened);
  }
  objects::S3Store* operator->() const { return store.get(); }

  void empty_the_bucket() const {
    for (;;) {
      const auto page = store->list("bucket", "", "", 1000);
      REQUIRE(ok(page));
      for (const auto& object : page->objects) REQUIRE(ok(store->remove("bucket", object.key)));
      if (!page->truncated) return;
    }
  }

  // Empty, and a failed check, where it cannot be read.
  std::string bytes_of(const std::string& key) const {
    std::string bytes;
    const auto got = store->get("bucket", key, 0, ports::kToTheEnd, [&](std::string_view block) {
      bytes += block;
      return Result<void>{};
    });
    CHECK(ok(got));
    return bytes;
  }

  SystemClock clock;
  SystemRandom random;
  std::unique_ptr<objects::S3Store> store;
};

// Bytes that depend on their place and on a seed.
class MemorySource final : public ports::Source {
 public:
  MemorySource(std::uint64_t size, std::uint64_t seed) {
    bytes_.reserve(static_cast<std::size_t>(size) + 8);
    SeededRandom random(seed);
    while (bytes_.size() < size) {
      const auto word = random.next();
      bytes_.append(reinterpret_cast<const char*>(&word), sizeof word);
    }
    bytes_.resize(static_cast<std::size_t>(size));
  }
  std::uint64_t size() const override { return bytes_.size(); }
  Result<void> read(std::uint64_t offset, std::span<char> into) override {
    if (fail_at && offset <= *fail_at && *fail_at < offset + into.size()) return fail(failure);
    REQUIRE(offset + into.size() <= bytes_.size());
    std::copy_n(bytes_.data() + offset, into.size(), into.data());
    return {};
  }
  const std::string& bytes() const { return bytes_; }

  std::optional<std::uint64_t> fail_at;
  Error failure;

 private:
  std::string bytes_;
};

}  // namespace holdfast::testing
