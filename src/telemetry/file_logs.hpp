// Logs as files. The trainings' streams: DIRECTORY/<job>/<rest of the stream's name>.log; those of users' groups:
// DIRECTORY/.groups/<number>/<encoded name>.log; beside each its index, *.idx. One mutex guards the tables and the
// appends; pages are read and streams are searched outside it.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/lru.hpp"
#include "base/time.hpp"
#include "ports/log_store.hpp"
#include "telemetry/log_groups.hpp"
#include "telemetry/log_search.hpp"
#include "telemetry/log_stream.hpp"

namespace holdfast::telemetry {

constexpr std::size_t kMaxOpenStreams = 128;
constexpr std::size_t kMaxFactsInMemory = 65'536;  // of streams, a few hundred bytes each

class FileLogs final : public ports::LogStore {
 public:
  static Result<std::unique_ptr<FileLogs>> open(std::filesystem::path directory, Clock& clock);

  std::vector<ports::LogGroup> groups() override;
  Result<ports::LogGroup> group(const std::string& name) override;
  Result<void> create_group(const std::string& name, const std::map<std::string, std::string>& tags) override;
  Result<void> delete_group(const std::string& name) override;
  Result<void> set_retention(const std::string& group, std::optional<int> days) override;
  Result<void> set_tags(const std::string& group, const std::map<std::string, std::string>& tags) override;

  Result<std::vector<std::string>> stream_names(const std::string& group, const std::string& prefix) override;
  Result<ports::LogStreamFacts> facts(const std::string& group, const std::string& stream) override;
  Result<void> create_stream(const std::string& group, const std::string& stream) override;
  Result<void> delete_stream(const std::string& group, const std::string& stream) override;

  Result<std::uint64_t> put(const std::string& group, const std::string& stream,
                            const std::vector<ports::LogEvent>& events) override;
  Result<ports::LogPage> read(const ports::LogQuery& query) override;
  Result<ports::SearchPage> search(const ports::LogSearch& search) override;

  // ---- what trainings write, in their own group
  // Makes the stream if it is not there. Kind::invalid: a name that is no "<job>/<word>".
  Result<void> append(const std::string& stream, const BatchId& batch, const std::vector<ports::LogEvent>& lines);
  // The newest of all batches in the job's streams.
  Result<std::optional<BatchId>> newest_batch(const JobName& job);

  // Takes back the space of the streams whose events have all expired; the streams stay.
  void drop_expired();

 private:
  using Key = std::pair<std::string, std::string>;  // group and stream

  FileLogs(std::filesystem::path directory, Clock& clock, LogGroups groups);
  std::int64_t now_ms() { return to_ms(clock_.now()); }
  // What is older than this is not shown any more.
  Result<std::int64_t> oldest_shown_ms(const std::string& group);
  Result<OpenedLog> open_stream(const std::string& group, const std::string& stream);
  void drop_expired(const std::string& group, const std::string& stream, std::int64_t expired_before_ms);

  // ---- with mutex_ held
  Result<std::filesystem::path> path_of(const Key& key) const;
  // The pointer keeps the file open for a reader after the table has let go of it.
  Result<std::shared_ptr<LogStream>> stream(const Key& key, bool create);
  Result<ports::LogStreamFacts> facts_of(const Key& key);
  Result<void> append_to(const Key& key, bool create, const BatchId& batch, const std::vector<ports::LogEvent>& lines);
  void forget(const Key& key);

  const std::filesystem::path directory_;
  Clock& clock_;
  std::mutex mutex_;
  LogGroups groups_;
  Lru<Key, std::shared_ptr<LogStream>> streams_;
  Lru<Key, ports::LogStreamFacts> facts_;
};

}  // namespace holdfast::telemetry
