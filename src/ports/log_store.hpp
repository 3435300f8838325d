// Groups of log streams: what users ask CloudWatch Logs for. One group, kTrainingLogGroup, is the trainings' own: it is
// always there and its streams are written through ports::Telemetry only; whoever offers put() and the like to users
// refuses it there. Called from API threads; implementations lock as they need.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "ports/telemetry.hpp"

namespace holdfast::ports {

constexpr std::string_view kTrainingLogGroup = "/aws/sagemaker/TrainingJobs";

struct LogGroup {
  std::string name;
  std::int64_t created_ms = 0;
  std::optional<int> retention_days;  // empty: events never expire
  std::map<std::string, std::string> tags;
};

struct LogStreamFacts {
  std::string name;
  std::int64_t created_ms = 0;
  // The least and the greatest time of its events; empty while it has none.
  std::optional<std::int64_t> first_event_ms;
  std::optional<std::int64_t> last_event_ms;
  std::optional<std::int64_t> last_ingestion_ms;
};

// Events stay in the order in which they came, whatever their times: a position once read never comes to mean
// something else, and what is late does not slip in behind a reader.
struct LogQuery {
  std::string group;
  std::string stream;
  std::uint64_t position = 0;  // a byte position that a page gave, 0, or kEndOfLog
  bool backward = false;       // the last events before the position, not the first ones from it
  std::size_t limit = 0;
  std::int64_t start_ms = 0;  // inclusive
  std::int64_t end_ms = 0;    // exclusive
};
constexpr std::uint64_t kEndOfLog = ~std::uint64_t{0};

// A page is long, and asked for often: its messages are not copied out of what was read.
struct ShownEvent {
  std::int64_t timestamp_ms = 0;
  std::int64_t ingestion_ms = 0;
  std::string_view message;  // lies in the page's texts
};

struct LogPage {
  std::vector<ShownEvent> events;  // in the order of the stream, in either direction
  // Reading on from `next`, or back from `first`, gives what follows. Where there is nothing more, a page has no events
  // and the position asked for is both.
  std::uint64_t first = 0;
  std::uint64_t next = 0;
  std::vector<std::shared_ptr<const std::string>> texts = {};
};

// Where a search over many streams stands. An event's place in it is the greatest time that its stream had seen by
// then: its own time unless it was late. So a search can stop and go on anywhere, and late events are found too.
struct SearchPlace {
  std::int64_t time_ms = 0;
  std::string stream;
  std::uint64_t position = 0;
  auto operator<=>(const SearchPlace&) const = default;
};

struct LogSearch {
  std::string group;
  std::vector<std::string> streams;
  std::size_t limit = 0;
  std::int64_t start_ms = 0;  // inclusive
  std::int64_t end_ms = 0;    // exclusive
  std::optional<SearchPlace> from;
  std::function<bool(std::string_view message)> wanted;
};

struct FoundEvent {
  std::string stream;
  std::uint64_t position = 0;  // the event's for good
  LogEvent event;
};

struct SearchPage {
  std::vector<FoundEvent> events;   // by time
  std::optional<SearchPlace> next;  // where to go on; a page that found nothing may have one
};

class LogStore {
 public:
  virtual ~LogStore() = default;

  // ---- groups, by name
  virtual std::vector<LogGroup> groups() = 0;
  virtual Result<LogGroup> group(const std::string& name) = 0;  // Kind::not_found
  // Kind::conflict: the name is taken; Kind::no_space: there may be no more groups.
  virtual Result<void> create_group(const std::string& name, const std::map<std::string, std::string>& tags) = 0;
  // With all of its streams. Kind::not_found; Kind::invalid: the trainings' group.
  virtual Result<void> delete_group(const std::string& name) = 0;
  // Events older than so many days are not shown any more, and their space is taken back when a whole stream of them
  // is.
  virtual Result<void> set_retention(const std::string& group, std::optional<int> days) = 0;
  virtual Result<void> set_tags(const std::string& group, const std::map<std::string, std::string>& tags) = 0;

  // ---- streams. Kind::not_found says which of the two is not there: see Result's message.
  // Sorted. Kind::invalid: too many begin with `prefix` to be listed.
  virtual Result<std::vector<std::string>> stream_names(const std::string& group, const std::string& prefix) = 0;
  virtual Result<LogStreamFacts> facts(const std::string& group, const std::string& stream) = 0;
  virtual Result<void> create_stream(const std::string& group, const std::string& stream) = 0;  // Kind::conflict
  virtual Result<void> delete_stream(const std::string& group, const std::string& stream) = 0;

  // ---- events
  // Appends them all or none, and answers how many batches the stream has had. The ingestion time is now.
  virtual Result<std::uint64_t> put(const std::string& group, const std::string& stream,
                                    const std::vector<LogEvent>& events) = 0;
  // Up to `limit` events and 1 MiB. Kind::invalid: a position that is none. Looks at a bounded part of the stream: a
  // page may hold no events and yet lead on.
  virtual Result<LogPage> read(const LogQuery& query) = 0;
  // Up to `limit` events and 1 MiB of all the streams, by time. Streams that are not there are passed over.
  virtual Result<SearchPage> search(const LogSearch& search) = 0;
};

}  // namespace holdfast::ports
