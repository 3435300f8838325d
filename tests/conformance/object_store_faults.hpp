// An object store with bad days: calls that fail, acknowledgements that get lost, things that happen in the middle.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "ports/object_store.hpp"

namespace holdfast::testing {

class FaultyStore final : public ports::ObjectStore {
 public:
  explicit FaultyStore(ports::ObjectStore& inner) : inner_(inner) {}

  // Asked before ("put", "get", "list", "head", "copy", "remove" and the key): an error makes the call fail undone.
  using Fault = std::function<std::optional<Error>(std::string_view call, const std::string& key)>;
  Fault before;
  Fault after;                                                // asked after: the call was done, its answer is lost
  std::function<void(const std::string& key)> in_the_middle;  // of put_file, after its first block
  std::vector<std::string> uploaded;                          // keys of put_file

  Result<void> put_bytes(const std::string& bucket, const std::string& key, std::string_view bytes) override {
    return call<void>("put", key, [&] { return inner_.put_bytes(bucket, key, bytes); });
  }
  Result<void> put_file(const std::string& bucket, const std::string& key, int fd, std::uint64_t length,
                        const Tap& tap) override {
    bool first = true;
    return call<void>("put", key, [&] {
      uploaded.push_back(key);
      return inner_.put_file(bucket, key, fd, length, [&](std::string_view block) {
        if (first && in_the_middle) in_the_middle(key);
        first = false;
        if (tap) tap(block);
      });
    });
  }
  Result<std::string> get_bytes(const std::string& bucket, const std::string& key, std::size_t limit) override {
    return call<std::string>("get", key, [&] { return inner_.get_bytes(bucket, key, limit); });
  }
  Result<std::uint64_t> get_file(const std::string& bucket, const std::string& key, int fd, const Tap& tap) override {
    return call<std::uint64_t>("get", key, [&] { return inner_.get_file(bucket, key, fd, tap); });
  }
  Result<ports::ObjectInfo> head(const std::string& bucket, const std::string& key) override {
    return call<ports::ObjectInfo>("head", key, [&] { return inner_.head(bucket, key); });
  }
  Result<ports::ListPage> list(const std::string& bucket, const std::string& prefix, const std::string& start_after,
                               std::size_t limit) override {
    return call<ports::ListPage>("list", prefix, [&] { return inner_.list(bucket, prefix, start_after, limit); });
  }
  Result<void> copy(const std::string& bucket, const std::string& from, const std::string& to) override {
    return call<void>("copy", to, [&] { return inner_.copy(bucket, from, to); });
  }
  Result<void> remove(const std::string& bucket, const std::string& key) override {
    return call<void>("remove", key, [&] { return inner_.remove(bucket, key); });
  }
  Result<bool> bucket_exists(const std::string& bucket) override { return inner_.bucket_exists(bucket); }
  Result<void> create_bucket(const std::string& bucket) override { return inner_.create_bucket(bucket); }
  Result<std::vector<ports::ObjectInfo>> buckets() override { return inner_.buckets(); }

 private:
  template <class T, class Do>
  Result<T> call(std::string_view name, const std::string& key, const Do& perform) {
    if (auto error = ask(before, name, key)) return fail(*error);
    auto result = perform();
    if (auto error = ask(after, name, key)) return fail(*error);
    return result;
  }
  std::optional<Error> ask(const Fault& fault, std::string_view name, const std::string& key) {
    const std::lock_guard lock(mutex_);  // downloads come from several threads
    return fault ? fault(name, key) : std::nullopt;
  }

  ports::ObjectStore& inner_;
  std::mutex mutex_;
};

// Trouble with every `call` whose key contains `part`.
inline FaultyStore::Fault trouble(std::string call, std::string part, Kind kind = Kind::try_again) {
  return [=](std::string_view name, const std::string& key) -> std::optional<Error> {
    if (name != call || key.find(part) == std::string::npos) return std::nullopt;
    return Error{kind, "the store has a bad day"};
  };
}

}  // namespace holdfast::testing
