// All object stores of a service or of one of its agents: the embedded one, and the places beside it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "cli/options.hpp"
#include "objects/buckets.hpp"
#include "objects/file_store.hpp"

namespace holdfast::app {

// In the data folder.
constexpr const char* kPlacesFile = "buckets.json";

struct OpenedBuckets {
  std::unique_ptr<objects::FileStore> embedded;
  std::unique_ptr<objects::Buckets> all;
};

// What an S3's client needs beside its place. Clock and random must outlive the stores.
struct PlaceUse {
  Clock& clock;
  Random& random;
  Duration patience;  // how long one request is tried again
};
constexpr Duration kAgentsPatience = minutes{2};
// Of the service and of commands: somebody waits for the answer, and others behind them.
constexpr Duration kCallersPatience = seconds{8};

// The store behind a place. Of an S3 nothing is asked yet. Kind::try_again: a directory that is not there now.
Result<std::unique_ptr<ports::ObjectStore>> open_place(const objects::BucketPlace& place, const PlaceUse& use);
// Of this process; nothing where it is not set, or empty.
std::optional<std::string> environment_variable(const char* name);

// With the places as they are now.
Result<OpenedBuckets> open_buckets(const std::filesystem::path& embedded, std::vector<objects::BucketPlace> places,
                                   const PlaceUse& use);
// With those of a data folder, read again whenever its file changes. Kind::invalid: the file cannot be understood now;
// one that becomes so later is said in the log, and the places stay as they were.
Result<OpenedBuckets> open_buckets_of(const std::filesystem::path& data, const PlaceUse& use);

// For a command.
struct ReachedBuckets {
  OpenedBuckets local;
  std::unique_ptr<ports::ObjectStore> remote;  // else

  ports::ObjectStore& store() { return remote ? *remote : *local.all; }
};
// Those of the data folder, or, where that is not on this machine, those that the S3 endpoint of the service serves,
// with the credentials of the environment. Kind::not_found: neither is known.
Result<ReachedBuckets> reach_buckets(const cli::ConnectionOptions& connection, const PlaceUse& use);

}  // namespace holdfast::app
