// Objects as open files. A client that fetches a large object in ranges asks for it many times at once, so the last few
// such objects are kept open for a while instead of being read anew for each range.
#pragma once

#include <filesystem>
#include <list>
#include <mutex>
#include <string>

#include "base/file.hpp"
#include "base/time.hpp"
#include "ports/object_store.hpp"

namespace holdfast::api::s3 {

constexpr std::size_t kMaxKeptDownloads = 4;
constexpr Duration kKeepDownloads = minutes{2};

class Downloads {
 public:
  Downloads(ports::ObjectStore& objects, Clock& clock, std::filesystem::path directory)
      : objects_(objects), clock_(clock), directory_(std::move(directory)) {}

  // The whole object; Kind::conflict when it is not the one that `expected` describes any more.
  Result<Fd> open(const std::string& bucket, const ports::ObjectInfo& expected);
  // The same, kept for the ranges that will follow.
  Result<Fd> open_kept(const std::string& bucket, const ports::ObjectInfo& expected);

 private:
  struct Kept {
    std::string bucket;
    ports::ObjectInfo object;
    Instant since;
    Fd fd;
  };

  ports::ObjectStore& objects_;
  Clock& clock_;
  std::filesystem::path directory_;
  std::mutex mutex_;  // held while an object is read: who asks for another range of it waits for that
  std::list<Kept> kept_;
};

}  // namespace holdfast::api::s3
