#include "fastfile/reader.hpp"

#include <algorithm>

namespace holdfast::fastfile {

class Reader::Handle {
 public:
  explicit Handle(File opened) : file(std::move(opened)) {}

  std::uint64_t blocks() const { return (file.size + kBlock - 1) / kBlock; }
  std::uint64_t size_of(std::uint64_t index) const { return std::min(kBlock, file.size - index * kBlock); }

  const File file;
  // ---- with the reader's lock
  ReadAhead ahead;
  std::uint64_t turn = 0;  // of its stream: what was planned in an earlier one is not wanted
};

struct Reader::Request {
  std::vector<Slice> slices;  // of blocks that are still missing: without them
  std::size_t missing = 0;
  bool failed = false;
  Done done;

  void answer() {
    if (failed) return done(std::nullopt);
    done(std::move(slices));
  }
};

Reader::Reader(Get get, Report report, Clock& clock, Options options)
    : get_(std::move(get)),
      report_(std::move(report)),
      clock_(clock),
      options_(options),
      cache_(std::max(options.cache_bytes, 2 * (kBlock + kBlockOverhead))) {
  while (fetchers_.size() < kFetchers) fetchers_.emplace_back([this] { work(); });
}

Reader::~Reader() {
  stop();
  for (auto& fetcher : fetchers_) fetcher.join();
}

void Reader::stop() {
  std::map<BlockId, std::vector<Waiting>> waiting;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    waiting.swap(waiting_);
  }
  changed_.notify_all();
  stopped_.notify_all();
  std::set<std::shared_ptr<Request>> requests;
  for (auto& [id, all] : waiting) {
    for (auto& one : all) requests.insert(std::move(one.request));
  }
  for (const auto& request : requests) {
    request->failed = true;
    request->answer();
  }
}

std::uint64_t Reader::bytes_in_memory() {
  const std::lock_guard lock(mutex_);
  return cache_.bytes();
}

// ---- who asks

std::shared_ptr<Reader::Handle> Reader::open(File file) {
  if (file.counters) file.counters->opened += 1;
  return std::make_shared<Handle>(std::move(file));
}

void Reader::close(const std::shared_ptr<Handle>& handle) {
  const std::lock_guard lock(mutex_);
  if (handle->ahead.streams()) --streams_;
  let_go(*handle, handle->ahead.leave());
  handle->turn += 1;
}

void Reader::read(const std::shared_ptr<Handle>& handle, std::uint64_t offset, std::size_t length, Done done) {
  const auto& file = handle->file;
  if (offset >= file.size || length == 0) return done(std::vector<Slice>{});
  const auto end = std::min<std::uint64_t>(file.size, offset + length);
  const auto first = offset / kBlock, last = (end - 1) / kBlock;
  const auto request = std::make_shared<Request>();
  for (auto index = first; index <= last; ++index) {
    const auto begin = std::max(offset, index * kBlock);
    const auto stop = std::min(end, (index + 1) * kBlock);
    request->slices.push_back(
        {nullptr, static_cast<std::size_t>(begin - index * kBlock), static_cast<std::size_t>(stop - begin)});
  }
  request->done = std::move(done);
  bool complete = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      request->failed = complete = true;
    } else {
      const bool missed = ask_for(handle, first, last, request);
      plan_ahead(handle, first, last, missed);
      complete = request->missing == 0;
      // Read to its end, so that it is not what is kept when there is need of room.
      if (complete && end == std::min(file.size, (last + 1) * kBlock) && handle->ahead.streams())
        cache_.let_go({file.id, last});
    }
  }
  if (complete) request->answer();
}

// Whether a block of it was neither there nor on its way.
bool Reader::ask_for(const std::shared_ptr<Handle>& handle, std::uint64_t first, std::uint64_t last,
                     const std::shared_ptr<Request>& request) {
  bool missed = false;
  for (auto index = first; index <= last; ++index) {
    const BlockId id{handle->file.id, index};
    auto& slice = request->slices[static_cast<std::size_t>(index - first)];
    slice.block = cache_.get(id);
    if (slice.block) continue;
    request->missing += 1;
    auto& all = waiting_[id];
    all.push_back({request, static_cast<std::size_t>(index - first)});
    if (all.size() > 1 || cache_.state(id) == BlockCache::State::loading) continue;
    missed = true;
    asked_.push_back({handle, index, 1, 0, false});
    changed_.notify_one();
  }
  return missed;
}

void Reader::plan_ahead(const std::shared_ptr<Handle>& handle, std::uint64_t first, std::uint64_t last, bool missed) {
  const bool before = handle->ahead.streams();
  const auto plan = handle->ahead.on_read(first, last, handle->blocks(), missed, most_ahead());
  const bool after = handle->ahead.streams();
  if (before && !after) {
    --streams_;
    handle->turn += 1;
  }
  if (!before && after) ++streams_;
  let_go(*handle, plan.leave);
  for (std::uint64_t done = 0; done < plan.fetch.count; done += kBlocksATime) {
    ahead_.push_back(
        {handle, plan.fetch.first + done, std::min(kBlocksATime, plan.fetch.count - done), handle->turn, true});
    changed_.notify_one();
  }
}

void Reader::let_go(const Handle& handle, const ReadAhead::Blocks& blocks) {
  for (std::uint64_t i = 0; i < blocks.count; ++i) cache_.let_go({handle.file.id, blocks.first + i});
}

// The streams share half of the memory.
std::uint64_t Reader::most_ahead() const {
  const auto blocks = cache_.capacity() / (kBlock + kBlockOverhead);
  return std::min(kMostAhead, blocks / 2 / std::max<std::uint64_t>(1, streams_));
}

// ---- who fetches

void Reader::work() {
  while (const auto fetch = next_fetch()) {
    carry_out(*fetch);
    if (!fetch->ahead) continue;
    {
      const std::lock_guard lock(mutex_);
      --fetching_ahead_;
    }
    changed_.notify_one();
  }
}

std::optional<Reader::Fetch> Reader::next_fetch() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (stopping_) return std::nullopt;
    if (!asked_.empty()) {
      if (auto fetch = reserved(asked_.front(), BlockCache::Need::asked)) return fetch;
      if (asked_.front().count == 0) {
        asked_.pop_front();
        continue;
      }
      // No room before one of those that are on their way has arrived.
    } else if (!ahead_.empty() && fetching_ahead_ < kFetchersAhead) {
      auto fetch = std::move(ahead_.front());
      ahead_.pop_front();
      if (fetch.turn != fetch.handle->turn) continue;
      auto found = reserved(fetch, BlockCache::Need::ahead);
      // Where there is no room, the rest is only a wish.
      if (found && fetch.count > 0) ahead_.push_front(std::move(fetch));
      if (!found) continue;
      ++fetching_ahead_;
      return found;
    }
    changed_.wait(lock);
  }
}

// The first of its blocks that are absent, now on their way; `fetch` keeps what comes behind them.
std::optional<Reader::Fetch> Reader::reserved(Fetch& fetch, BlockCache::Need need) {
  const auto& handle = *fetch.handle;
  const auto skip = [&] { ++fetch.first, --fetch.count; };
  while (fetch.count > 0 && cache_.state({handle.file.id, fetch.first}) != BlockCache::State::absent) skip();
  Fetch found{fetch.handle, fetch.first, 0, fetch.turn, fetch.ahead};
  while (fetch.count > 0) {
    const BlockId id{handle.file.id, fetch.first};
    if (cache_.state(id) != BlockCache::State::absent) break;
    if (!cache_.reserve(id, handle.size_of(fetch.first), need)) break;
    ++found.count;
    skip();
  }
  if (found.count == 0) return std::nullopt;
  return found;
}

void Reader::carry_out(const Fetch& fetch) {
  const auto& handle = *fetch.handle;
  const auto& file = handle.file;
  const auto end = std::min(file.size, (fetch.first + fetch.count) * kBlock);
  auto index = fetch.first;
  auto position = index * kBlock;
  std::string bytes;
  const auto take = [&](std::string_view part) -> Result<void> {
    if (stopping_) return fail(Kind::permanent, "nobody reads it any more");
    if (part.size() > end - position) return fail(Kind::permanent, "the store sends more than it was asked for");
    position += part.size();
    if (file.counters) file.counters->bytes += part.size();
    while (!part.empty()) {
      const auto size = static_cast<std::size_t>(handle.size_of(index));
      if (bytes.empty()) bytes.reserve(size);
      const auto fits = std::min(part.size(), size - bytes.size());
      bytes.append(part.substr(0, fits));
      part.remove_prefix(fits);
      if (bytes.size() == size) arrived({file.id, index++}, std::exchange(bytes, {}));
    }
    return {};
  };
  auto began = clock_.ticks();
  for (int tries = 1;; ++tries) {
    const auto before = position;
    if (file.counters) file.counters->requests += 1;
    const auto got = get_(file, position, end - position, take);
    if (position == end) return;
    const Error error = got ? Error{Kind::try_again, "fewer bytes came than the object has"} : got.error();
    if (position > before) {
      tries = 1;
      began = clock_.ticks();
    }
    if (error.kind == Kind::try_again && pause(tries, began)) continue;
    return lost(fetch, index, error);
  }
}

// False: it has lasted too long.
bool Reader::pause(int tries, Instant began) {
  if (clock_.ticks() - began >= options_.patience) return false;
  constexpr int kMostDoublings = 4;
  std::unique_lock lock(mutex_);
  const auto wait = options_.first_pause * (1 << std::min(tries - 1, kMostDoublings));
  return !stopped_.wait_for(lock, wait, [this] { return stopping_.load(); });
}

void Reader::arrived(const BlockId& id, std::string bytes) {
  Finished finished;
  bool starved = false;
  {
    const std::lock_guard lock(mutex_);
    cache_.fill(id, std::move(bytes));
    if (waiting_.contains(id)) take_waiting(id, cache_.get(id), finished);
    starved = !asked_.empty();
  }
  if (starved) changed_.notify_all();  // it may be what gives way to another
  for (const auto& request : finished) request->answer();
}

void Reader::lost(const Fetch& fetch, std::uint64_t from, const Error& error) {
  Finished finished;
  bool worth_a_line = false;
  {
    const std::lock_guard lock(mutex_);
    bool asked = false;
    for (auto index = from; index < fetch.first + fetch.count; ++index) {
      const BlockId id{fetch.handle->file.id, index};
      cache_.give_up(id);
      asked = asked || waiting_.contains(id);
      take_waiting(id, nullptr, finished);
    }
    worth_a_line =
        asked && !stopping_ && reported_.size() < kMostReports && reported_.insert(fetch.handle->file.id).second;
  }
  changed_.notify_all();
  if (worth_a_line) report(fetch.handle->file, error);
  for (const auto& request : finished) request->answer();
}

void Reader::take_waiting(const BlockId& id, const Block& block, Finished& finished) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return;
  for (auto& [request, slice] : found->second) {
    request->slices[slice].block = block;
    if (!block) request->failed = true;
    if (--request->missing == 0) finished.push_back(std::move(request));
  }
  waiting_.erase(found);
}

void Reader::report(const File& file, const Error& error) {
  const auto name = fmt::format("s3://{}/{}", file.bucket, file.key);
  if (error.kind == Kind::conflict || error.kind == Kind::not_found) {
    return report_(
        fmt::format("{} was {} while the job runs: what is read of it now is an input/output error, never a "
                    "mixture. Leave a job's input as it is, or put what is new under other names",
                    name, error.kind == Kind::conflict ? "replaced" : "removed"));
  }
  report_(
      fmt::format("{} cannot be read, its reader gets an input/output error: {}. See that the store can be reached "
                  "and that the job may read there; reading again asks the store again",
                  name, error.message));
}

}  // namespace holdfast::fastfile
