#include "telemetry/log_search.hpp"

#include <algorithm>
#include <map>
#include <queue>

namespace holdfast::telemetry {

namespace {

// A ports::SearchPlace with the stream's number in the order of names.
struct Place {
  std::int64_t time_ms = kNever;
  std::size_t stream = 0;
  std::uint64_t position = 0;
  auto operator<=>(const Place&) const = default;
};

// A block that is still to be looked at; nothing in it has a place before `least`.
struct Waiting {
  Place least;
  std::optional<std::size_t> block;  // empty: the stream was not opened yet
  bool operator>(const Waiting& other) const { return least > other.least; }
};

// The first events of all that were found, as many as a page holds.
class Finds {
 public:
  explicit Finds(std::size_t limit) : limit_(limit) {}

  bool has_no_room_for(const Place& place) const { return cut_ && place >= *cut_; }
  const std::optional<Place>& cut() const { return cut_; }
  void add(const Place& place, ports::LogEvent event) {
    bytes_ += event.message.size();
    events_.emplace(place, std::move(event));
    while (events_.size() > limit_ || (bytes_ > kMaxPageBytes && events_.size() > 1)) {
      const auto last = std::prev(events_.end());
      cut_ = last->first;
      bytes_ -= last->second.message.size();
      events_.erase(last);
    }
  }
  std::map<Place, ports::LogEvent>& events() { return events_; }

 private:
  std::size_t limit_;
  std::size_t bytes_ = 0;
  std::map<Place, ports::LogEvent> events_;
  std::optional<Place> cut_;  // from here on some were left out
};

class Search {
 public:
  Search(const ports::LogSearch& asked, const LogSource& source)
      : asked_(asked), source_(source), streams_(asked.streams), finds_(asked.limit) {
    std::sort(streams_.begin(), streams_.end());
    streams_.erase(std::unique(streams_.begin(), streams_.end()), streams_.end());
  }

  Result<ports::SearchPage> run() {
    for (std::size_t stream = 0; stream < streams_.size(); ++stream) {
      if (auto begun = begin(stream); !begun) return fail(begun.error());
    }
    std::uint64_t left = kMaxSearchedBytes;
    while (!waiting_.empty() && left > 0 && !finds_.has_no_room_for(waiting_.top().least)) {
      const Waiting next = waiting_.top();
      waiting_.pop();
      if (auto looked = look(next, left); !looked) return fail(looked.error());
    }
    return page();
  }

 private:
  // Where this search begins in a stream.
  Place first_place(std::size_t stream) const {
    if (!asked_.from) return {asked_.start_ms, stream, 0};
    const auto& from = *asked_.from;
    // Who goes on at a time in one stream has been through it in the streams before, and not in those behind.
    const auto order = streams_[stream] <=> from.stream;
    if (order == 0) return {from.time_ms, stream, from.position};
    const bool been_there = order < 0 && from.time_ms < std::numeric_limits<std::int64_t>::max();
    return {been_there ? from.time_ms + 1 : from.time_ms, stream, 0};
  }

  Result<void> begin(std::size_t stream) {
    const auto facts = source_.facts(streams_[stream]);
    if (!facts && facts.error().kind == Kind::not_found) return {};
    if (!facts) return fail(facts.error());
    if (!facts->last_event_ms) return {};
    const TimeSpan span{*facts->first_event_ms, *facts->last_event_ms};
    const Place first = first_place(stream);
    if (span.max_ms < first.time_ms || !span.meets(asked_.start_ms, asked_.end_ms)) return {};
    waiting_.push({std::max(first, Place{std::max(span.min_ms, asked_.start_ms), stream, 0}), std::nullopt});
    return {};
  }

  // The next block of the stream, from `block` on, that may hold something; empty: there is none.
  Result<std::optional<Waiting>> next_of(std::size_t stream, LogBlocks& blocks, std::size_t block) const {
    const Place first = first_place(stream);
    for (; block < blocks.size(); ++block) {
      const auto there = blocks.at(block);
      if (!there) return fail(there.error());
      if (there->running_ms < first.time_ms || !there->span.meets(asked_.start_ms, asked_.end_ms)) continue;
      const auto time = std::max({there->before_ms, there->span.min_ms, asked_.start_ms});
      return std::optional(Waiting{std::max(first, Place{time, stream, there->begin}), block});
    }
    return std::optional<Waiting>();
  }

  // At the block and, while nothing elsewhere comes first, at those behind it.
  Result<void> look(const Waiting& next, std::uint64_t& left) {
    const std::size_t stream = next.least.stream;
    const auto opened = source_.open(streams_[stream]);
    if (!opened && opened.error().kind == Kind::not_found) return {};
    if (!opened) return fail(opened.error());
    auto blocks = opened->stream->blocks(opened->extent);
    std::size_t block = next.block.value_or(0);
    if (!next.block) {
      const Place first = first_place(stream);
      const auto reaching = blocks.reaching(std::max(first.time_ms, asked_.start_ms));
      if (!reaching) return fail(reaching.error());
      const auto containing = blocks.containing(first.position);
      if (!containing) return fail(containing.error());
      block = std::max(*reaching, *containing);
    }
    for (bool goes_on = true; goes_on;) {
      auto waiting = next_of(stream, blocks, block);
      if (!waiting) return fail(waiting.error());
      if (!*waiting) return {};
      goes_on = left > 0 && !finds_.has_no_room_for((*waiting)->least) &&
                (waiting_.empty() || (*waiting)->least < waiting_.top().least);
      if (!goes_on) {
        waiting_.push(**waiting);
        return {};
      }
      const auto there = blocks.at(*(*waiting)->block);
      if (!there) return fail(there.error());
      if (auto done = read(stream, *opened->stream, *there); !done) return done;
      left -= std::min(left, there->end - there->begin);
      block = *(*waiting)->block + 1;
    }
    return {};
  }

  Result<void> read(std::size_t stream, const LogStream& log, const LogBlock& block) {
    const Place first = first_place(stream);
    std::int64_t running = block.before_ms;
    std::string message;
    return log.file().for_each_line(block.begin, block.end, [&](std::uint64_t position, std::string_view line) {
      const auto raw = parse_event(line);
      if (!raw) return true;
      running = std::max(running, raw->timestamp_ms);
      const Place place{running, stream, position};
      if (place < first || raw->timestamp_ms < asked_.start_ms || raw->timestamp_ms >= asked_.end_ms) return true;
      // Places only grow within a stream.
      if (finds_.has_no_room_for(place)) return false;
      const bool as_it_is = raw->escaped.find('\\') == std::string_view::npos;
      if (!as_it_is) message = unescaped(raw->escaped);
      const std::string_view text = as_it_is ? raw->escaped : std::string_view(message);
      if (asked_.wanted(text)) finds_.add(place, {raw->timestamp_ms, raw->ingestion_ms, std::string(text)});
      return true;
    });
  }

  ports::SearchPage page() {
    std::optional<Place> horizon = finds_.cut();
    if (!waiting_.empty()) horizon = std::min(waiting_.top().least, horizon.value_or(waiting_.top().least));
    ports::SearchPage page;
    for (auto& [place, event] : finds_.events()) {
      if (horizon && place >= *horizon) break;
      page.events.push_back({streams_[place.stream], place.position, std::move(event)});
    }
    std::stable_sort(page.events.begin(), page.events.end(), [](const auto& one, const auto& other) {
      return one.event.timestamp_ms < other.event.timestamp_ms;
    });
    if (horizon) page.next = ports::SearchPlace{horizon->time_ms, streams_[horizon->stream], horizon->position};
    return page;
  }

  const ports::LogSearch& asked_;
  const LogSource& source_;
  std::vector<std::string> streams_;
  Finds finds_;
  std::priority_queue<Waiting, std::vector<Waiting>, std::greater<>> waiting_;
};

}  // namespace

Result<ports::SearchPage> search_logs(const ports::LogSearch& search, const LogSource& source) {
  return Search(search, source).run();
}

}  // namespace holdfast::telemetry
