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

  // ---- what a test hooks in: called from several threads, one at a time; it must not use this store

  // Asked before ("put", "get", "list", "head", "copy", "remove" and the key): an error makes the call fail undone.
  using Fault = std::function<std::optional<Error>(std::string_view call, const std::string& key)>;
  Fault before;
  Fault after;                                                // asked after: the call was done, its answer is lost
  std::function<void(const std::string& key)> in_the_middle;  // of put, after its first piece was read
  std::vector<std::string> uploaded;                          // keys of put
  std::vector<std::pair<std::string, Instant>> unfinished;    // uploads that were begun, and when

  Result<void> put_bytes(const std::string& bucket, const std::string& key, std::string_view bytes) override {
    return call<void>("put", key, [&] { return inner_.put_bytes(bucket, key, bytes); });
  }
  Result<void> put(const std::string& bucket, const std::string& key, ports::Source& source) override {
    return call<void>("put", key, [&] {
      {
        const std::lock_guard lock(mutex_);
        uploaded.push_back(key);
      }
      Watched watched(source, [&] {
        const std::lock_guard lock(mutex_);
        if (in_the_middle) in_the_middle(key);
      });
      return inner_.put(bucket, key, watched);
    });
  }
  Result<std::string> get_bytes(const std::string& bucket, const std::string& key, std::size_t limit) override {
    return call<std::string>("get", key, [&] { return inner_.get_bytes(bucket, key, limit); });
  }
  Result<std::uint64_t> get(const std::string& bucket, const std::string& key, std::uint64_t offset,
                            std::uint64_t length, const Sink& sink) override {
    return call<std::uint64_t>("get", key, [&] { return inner_.get(bucket, key, offset, length, sink); });
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
  Result<std::size_t> abort_uploads(const std::string&, const std::string& prefix, const IsDead& is_dead) override {
    return std::erase_if(
        unfinished, [&](const auto& one) { return one.first.starts_with(prefix) && is_dead(one.first, one.second); });
  }

 private:
  // A source that tells of its first reading.
  class Watched final : public ports::Source {
   public:
    Watched(ports::Source& inner, std::function<void()> tell) : inner_(inner), tell_(std::move(tell)) {}
    std::uint64_t size() const override { return inner_.size(); }
    Result<void> read(std::uint64_t offset, std::span<char> into) override {
      auto read = inner_.read(offset, into);
      if (auto tell = std::exchange(tell_, nullptr)) tell();
      return read;
    }

   private:
    ports::Source& inner_;
    std::function<void()> tell_;
  };

  template <class T, class Do>
  Result<T> call(std::string_view name, const std::string& key, const Do& perform) {
    if (auto error = ask(before, name, key)) return fail(*error);
    auto result = perform();
    if (auto error = ask(after, name, key)) return fail(*error);
    return result;
  }
  std::optional<Error> ask(const Fault& fault, std::string_view name, const std::string& key) {
    const std::lock_guard lock(mutex_);
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
