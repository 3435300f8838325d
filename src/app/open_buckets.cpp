#include "app/open_buckets.hpp"

#include <cstdlib>

#include "base/log.hpp"
#include "base/watched_file.hpp"
#include "objects/credential_chain.hpp"
#include "objects/s3_store.hpp"

namespace holdfast::app {

namespace fs = std::filesystem;
using objects::BucketPlace;

namespace {

// A folder is never made here: below a mount point that is not mounted, checkpoints would go to the wrong disk.
Result<std::unique_ptr<ports::ObjectStore>> open_directory_place(const BucketPlace& place) {
  std::error_code error;
  if (!fs::is_directory(place.directory, error))
    return fail(Kind::try_again, "bucket {}: the directory {} is not there: is it mounted?", place.bucket,
                place.directory);
  auto store = objects::FileStore::open(place.directory);
  if (!store) return fail(store.error(), "bucket {}", place.bucket);
  return std::move(*store);
}

objects::Buckets::Opener opener(const PlaceUse& use) {
  return [use](const BucketPlace& place) { return open_place(place, use); };
}

}  // namespace

std::optional<std::string> environment_variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

Result<std::unique_ptr<ports::ObjectStore>> open_place(const BucketPlace& place, const PlaceUse& use) {
  if (place.is_directory()) return open_directory_place(place);
  auto options = place.s3;
  options.patience = use.patience;
  auto credentials = objects::credential_chain(place.credentials, environment_variable, options.region, use.clock);
  auto store = objects::S3Store::open(std::move(options), std::move(credentials), use.clock, use.random);
  if (!store) return fail(store.error(), "bucket {}", place.bucket);
  return std::move(*store);
}

Result<OpenedBuckets> open_buckets(const fs::path& embedded, std::vector<BucketPlace> places, const PlaceUse& use) {
  auto store = objects::FileStore::open(embedded);
  if (!store) return fail(store.error());
  auto all = std::make_unique<objects::Buckets>(**store, std::move(places), opener(use));
  return OpenedBuckets{std::move(*store), std::move(all)};
}

Result<OpenedBuckets> open_buckets_of(const fs::path& data, const PlaceUse& use) {
  auto store = objects::FileStore::open(data / "objects");
  if (!store) return fail(store.error());
  const auto file = std::make_shared<WatchedFile>(data / kPlacesFile);
  file->look();  // before it is read: a change in between is read twice rather than never
  auto places = objects::read_places(file->path());
  if (!places) return fail(places.error());
  auto news = [file, known = !places->empty()]() mutable -> std::optional<std::vector<BucketPlace>> {
    const auto heard = file->look();
    if (heard == WatchedFile::News::same || (heard == WatchedFile::News::gone && !known)) return std::nullopt;
    auto changed = objects::read_places(file->path());
    if (!changed) {
      log_error("the places of buckets stay as they were: {}", changed.error().message);
      return std::nullopt;
    }
    known = !changed->empty();
    return std::move(*changed);
  };
  auto all = std::make_unique<objects::Buckets>(**store, std::move(*places), opener(use), std::move(news));
  return OpenedBuckets{std::move(*store), std::move(all)};
}

Result<ReachedBuckets> reach_buckets(const cli::ConnectionOptions& connection, const PlaceUse& use) {
  ReachedBuckets reached;
  std::error_code error;
  if (fs::exists(fs::path(connection.data) / "objects", error)) {
    auto local = open_buckets_of(connection.data, use);
    if (!local) return fail(local.error());
    reached.local = std::move(*local);
    return reached;
  }
  if (connection.endpoint.empty())
    return fail(Kind::not_found, "there is no data folder {}: say --data DIR, or --endpoint URL of a service elsewhere",
                connection.data);
  BucketPlace service{.bucket = std::string(objects::kEveryOtherBucket)};
  service.s3.endpoint = connection.endpoint;
  while (service.s3.endpoint.ends_with('/')) service.s3.endpoint.pop_back();
  service.s3.region = connection.region;
  service.s3.style = objects::AddressStyle::path;
  auto remote = open_place(service, use);
  if (!remote) return fail(remote.error());
  reached.remote = std::move(*remote);
  return reached;
}

}  // namespace holdfast::app
