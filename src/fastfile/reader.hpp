// Reads of open files, answered from memory or from the store: who asks is never kept waiting, the answer comes later
// from another thread. Blocks are fetched by a few threads, those that somebody waits for first.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/time.hpp"
#include "fastfile/block_cache.hpp"
#include "fastfile/read_ahead.hpp"
#include "ports/object_store.hpp"

namespace holdfast::fastfile {

constexpr std::size_t kFetchers = 8;
// The others are for what somebody waits for.
constexpr std::size_t kFetchersAhead = 6;
// Of one request to the store: what is read ahead comes in pieces of so many blocks, side by side.
constexpr std::uint64_t kBlocksATime = 8;
// Lines about objects that cannot be read: the first say enough.
constexpr std::size_t kMostReports = 20;

// What was done for one channel.
struct Counters {
  std::atomic<std::uint64_t> bytes = 0;  // that came from the store
  std::atomic<std::uint64_t> requests = 0;
  std::atomic<std::uint64_t> opened = 0;  // files, each time
};

struct File {
  std::uint64_t id = 0;  // the same for each time that it is opened
  std::string bucket = {};
  std::string key = {};
  std::string version = {};
  std::uint64_t size = 0;
  std::shared_ptr<Counters> counters = {};
};

struct Slice {
  Block block;
  std::size_t offset = 0;
  std::size_t length = 0;
};

class Reader {
 public:
  // ObjectStore::get() of one version: Kind::conflict where it is not there any more.
  using Get = std::function<Result<std::uint64_t>(const File& file, std::uint64_t offset, std::uint64_t length,
                                                  const ports::ObjectStore::Sink& sink)>;
  // A line for the user, once for each file.
  using Report = std::function<void(const std::string& line)>;
  struct Options {
    std::uint64_t cache_bytes = kCacheBytes;
    Duration patience = minutes{2};  // for a store that is away
    Duration first_pause = seconds{1};
  };

  Reader(Get get, Report report, Clock& clock, Options options);
  Reader(Get get, Report report, Clock& clock) : Reader(std::move(get), std::move(report), clock, Options{}) {}
  // Answers what is still asked for with nothing, and waits for the requests to the store that are under way.
  ~Reader();

  class Handle;
  std::shared_ptr<Handle> open(File file);
  void close(const std::shared_ptr<Handle>& handle);

  // The bytes, as many as the file has there; nothing: they cannot be had.
  using Done = std::function<void(std::optional<std::vector<Slice>>)>;
  // `done` is called once, here or by another thread.
  void read(const std::shared_ptr<Handle>& handle, std::uint64_t offset, std::size_t length, Done done);

  // From now on nothing is answered but with nothing.
  void stop();
  std::uint64_t bytes_in_memory();

 private:
  struct Request;
  struct Waiting {
    std::shared_ptr<Request> request;
    std::size_t slice;
  };
  struct Fetch {
    std::shared_ptr<Handle> handle;
    std::uint64_t first = 0;
    std::uint64_t count = 0;
    std::uint64_t turn = 0;  // of the handle: another one, and nobody wants it any more
    bool ahead = false;
  };
  using Finished = std::vector<std::shared_ptr<Request>>;

  bool ask_for(const std::shared_ptr<Handle>& handle, std::uint64_t first, std::uint64_t last,
               const std::shared_ptr<Request>& request);
  void plan_ahead(const std::shared_ptr<Handle>& handle, std::uint64_t first, std::uint64_t last, bool missed);
  void let_go(const Handle& handle, const ReadAhead::Blocks& blocks);
  std::uint64_t most_ahead() const;

  void work();
  std::optional<Fetch> next_fetch();
  std::optional<Fetch> reserved(Fetch& fetch, BlockCache::Need need);
  void carry_out(const Fetch& fetch);
  bool pause(int tries, Instant began);
  void arrived(const BlockId& id, std::string bytes);
  void lost(const Fetch& fetch, std::uint64_t from, const Error& error);
  void take_waiting(const BlockId& id, const Block& block, Finished& finished);
  void report(const File& file, const Error& error);

  const Get get_;
  const Report report_;
  Clock& clock_;
  const Options options_;

  std::mutex mutex_;                 // for what follows; held for no call of the store
  std::condition_variable changed_;  // for fetchers that have nothing to do
  std::condition_variable stopped_;  // for those that wait for a store
  BlockCache cache_;
  std::map<BlockId, std::vector<Waiting>> waiting_;
  std::deque<Fetch> asked_, ahead_;
  std::uint64_t streams_ = 0;  // handles that read on and on
  std::set<std::uint64_t> reported_;
  std::size_t fetching_ahead_ = 0;
  std::atomic<bool> stopping_ = false;  // changed with the lock

  std::vector<std::thread> fetchers_;
};

}  // namespace holdfast::fastfile
