// Every bucket there is, wherever it lies: sends each call to the store that holds its bucket. A bucket that has a
// place of its own is there and nowhere else; then comes the embedded store; then the place of all others, where there
// is one.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "objects/bucket_places.hpp"
#include "ports/object_store.hpp"

namespace holdfast::objects {

class Buckets final : public ports::ObjectStore {
 public:
  // Called once for each store, when it is first needed; again after an error.
  using Opener = std::function<Result<std::unique_ptr<ports::ObjectStore>>(const BucketPlace& place)>;
  // The places, when they have changed since the last call.
  using News = std::function<std::optional<std::vector<BucketPlace>>()>;

  // `embedded` must live as long as this.
  Buckets(ports::ObjectStore& embedded, std::vector<BucketPlace> places, Opener open, News news = {});

  std::vector<BucketPlace> places();
  // Where the bucket is, if it is not the embedded store's. Asks the place of all others whether it has it.
  Result<std::optional<BucketPlace>> elsewhere(const std::string& bucket);

  Result<void> put_bytes(const std::string& bucket, const std::string& key, std::string_view bytes) override;
  Result<void> put(const std::string& bucket, const std::string& key, ports::Source& source) override;
  Result<std::string> get_bytes(const std::string& bucket, const std::string& key, std::size_t limit) override;
  Result<std::uint64_t> get(const std::string& bucket, const std::string& key, std::uint64_t offset,
                            std::uint64_t length, const Sink& sink) override;
  // As get(), but only of the object with this ETag, as list() gave it; of any other Kind::conflict, and no byte.
  Result<std::uint64_t> get_version(const std::string& bucket, const std::string& key, const std::string& version,
                                    std::uint64_t offset, std::uint64_t length, const Sink& sink);
  Result<ports::ObjectInfo> head(const std::string& bucket, const std::string& key) override;
  Result<ports::ListPage> list(const std::string& bucket, const std::string& prefix, const std::string& start_after,
                               std::size_t limit) override;
  Result<void> copy(const std::string& bucket, const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& bucket, const std::string& key) override;
  // A directory that lacks the folder of its bucket is Kind::try_again: most likely it is not mounted.
  Result<bool> bucket_exists(const std::string& bucket) override;
  // Where its place is; one that has none in the embedded store.
  Result<void> create_bucket(const std::string& bucket) override;
  Result<std::size_t> abort_uploads(const std::string& bucket, const std::string& prefix,
                                    const IsDead& is_dead) override;
  // The embedded store's, and those that have places of their own.
  Result<std::vector<ports::ObjectInfo>> buckets() override;

 private:
  using Store = std::shared_ptr<ports::ObjectStore>;  // shared with the calls under way when the places change
  struct Entry {
    BucketPlace place;
    Store store;  // once it was needed
  };

  std::optional<BucketPlace> place_of(const std::string& bucket);
  Result<Store> open(const BucketPlace& place);
  Result<Store> store_of(const std::string& bucket);
  void refresh();

  ports::ObjectStore& embedded_;
  Opener open_;
  News news_;
  std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace holdfast::objects
