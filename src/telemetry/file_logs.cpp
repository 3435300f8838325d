#include "telemetry/file_logs.hpp"

#include <unistd.h>

#include <algorithm>

#include "base/log.hpp"
#include "telemetry/log_listing.hpp"
#include "telemetry/log_names.hpp"

namespace holdfast::telemetry {

namespace fs = std::filesystem;

namespace {

constexpr const char* kGroupsDirectory = ".groups";
constexpr std::int64_t kDayMs = 86'400'000;

const std::string& training_group() {
  static const std::string name(ports::kTrainingLogGroup);
  return name;
}

fs::path index_of(fs::path log) { return log.replace_extension(kIndexSuffix); }

}  // namespace

Result<std::unique_ptr<FileLogs>> FileLogs::open(fs::path directory, Clock& clock) {
  if (auto made = make_directories(directory); !made) return fail(made.error());
  auto groups = LogGroups::open(directory / kGroupsDirectory, to_ms(clock.now()));
  if (!groups) return fail(groups.error());
  return std::unique_ptr<FileLogs>(new FileLogs(std::move(directory), clock, std::move(*groups)));
}

FileLogs::FileLogs(fs::path directory, Clock& clock, LogGroups groups)
    : directory_(std::move(directory)),
      clock_(clock),
      groups_(std::move(groups)),
      streams_(kMaxOpenStreams),
      facts_(kMaxFactsInMemory) {}

// ---- groups

std::vector<ports::LogGroup> FileLogs::groups() {
  const std::lock_guard lock(mutex_);
  return groups_.list();
}

Result<ports::LogGroup> FileLogs::group(const std::string& name) {
  const std::lock_guard lock(mutex_);
  return groups_.find(name);
}

Result<void> FileLogs::create_group(const std::string& name, const std::map<std::string, std::string>& tags) {
  const std::lock_guard lock(mutex_);
  return groups_.create({.name = name, .created_ms = now_ms(), .retention_days = {}, .tags = tags});
}

Result<void> FileLogs::delete_group(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (auto removed = groups_.remove(name); !removed) return removed;
  const auto of_it = [&](const Key& key) { return key.first == name; };
  streams_.erase_if(of_it);
  facts_.erase_if(of_it);
  return {};
}

Result<void> FileLogs::set_retention(const std::string& name, std::optional<int> days) {
  const std::lock_guard lock(mutex_);
  auto group = groups_.find(name);
  if (!group) return fail(group.error());
  group->retention_days = days;
  return groups_.change(*group);
}

Result<void> FileLogs::set_tags(const std::string& name, const std::map<std::string, std::string>& tags) {
  const std::lock_guard lock(mutex_);
  auto group = groups_.find(name);
  if (!group) return fail(group.error());
  group->tags = tags;
  return groups_.change(*group);
}

Result<std::int64_t> FileLogs::oldest_shown_ms(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto group = groups_.find(name);
  if (!group) return fail(group.error());
  return group->retention_days ? now_ms() - *group->retention_days * kDayMs : std::int64_t{0};
}

// ---- streams

Result<std::vector<std::string>> FileLogs::stream_names(const std::string& group, const std::string& prefix) {
  Result<fs::path> directory = fs::path();
  {
    const std::lock_guard lock(mutex_);
    directory = groups_.directory_of(group);
  }
  if (!directory) return fail(directory.error());
  return group == training_group() ? list_training_streams(directory_, prefix) : list_streams(*directory, prefix);
}

Result<ports::LogStreamFacts> FileLogs::facts(const std::string& group, const std::string& stream_name) {
  const std::lock_guard lock(mutex_);
  return facts_of({group, stream_name});
}

Result<void> FileLogs::create_stream(const std::string& group, const std::string& stream_name) {
  const std::lock_guard lock(mutex_);
  const Key key{group, stream_name};
  const auto path = path_of(key);
  if (!path) return fail(path.error());
  std::error_code error;
  if (fs::exists(*path, error)) return fail(Kind::conflict, "there is a log stream \"{}\" already", stream_name);
  const auto made = stream(key, true);
  return made ? Result<void>() : fail(made.error());
}

Result<void> FileLogs::delete_stream(const std::string& group, const std::string& stream_name) {
  const std::lock_guard lock(mutex_);
  const Key key{group, stream_name};
  const auto path = path_of(key);
  if (!path) return fail(path.error());
  if (::unlink(path->c_str()) != 0) return fail_errno("removing log stream \"" + stream_name + "\"", errno);
  std::error_code ignored;
  fs::remove(index_of(*path), ignored);
  forget(key);
  return {};
}

// ---- events

Result<std::uint64_t> FileLogs::put(const std::string& group, const std::string& stream_name,
                                    const std::vector<ports::LogEvent>& events) {
  const std::lock_guard lock(mutex_);
  const Key key{group, stream_name};
  const auto there = stream(key, false);
  if (!there) return fail(there.error());
  const auto& last = (*there)->last_batch();
  const BatchId batch{Fence{0}, last ? last->sequence + 1 : 0};
  std::vector<ports::LogEvent> stamped = events;
  const auto now = now_ms();
  for (auto& event : stamped) event.ingestion_ms = now;
  if (auto appended = append_to(key, false, batch, stamped); !appended) return fail(appended.error());
  return batch.sequence + 1;
}

Result<ports::LogPage> FileLogs::read(const ports::LogQuery& query) {
  const auto oldest = oldest_shown_ms(query.group);
  if (!oldest) return fail(oldest.error());
  const auto opened = open_stream(query.group, query.stream);
  if (!opened) return fail(opened.error());
  ports::LogQuery shown = query;
  shown.start_ms = std::max(query.start_ms, *oldest);
  return opened->stream->read(opened->extent, shown);
}

Result<ports::SearchPage> FileLogs::search(const ports::LogSearch& search) {
  const auto oldest = oldest_shown_ms(search.group);
  if (!oldest) return fail(oldest.error());
  ports::LogSearch shown = search;
  shown.start_ms = std::max(search.start_ms, *oldest);
  return search_logs(shown, {[&](const std::string& stream) { return facts(search.group, stream); },
                             [&](const std::string& stream) { return open_stream(search.group, stream); }});
}

Result<OpenedLog> FileLogs::open_stream(const std::string& group, const std::string& stream_name) {
  const std::lock_guard lock(mutex_);
  const auto opened = stream({group, stream_name}, false);
  if (!opened) return fail(opened.error());
  return OpenedLog{*opened, (*opened)->extent()};
}

// ---- trainings

Result<void> FileLogs::append(const std::string& stream_name, const BatchId& batch,
                              const std::vector<ports::LogEvent>& lines) {
  const std::lock_guard lock(mutex_);
  if (!is_training_stream(stream_name)) return fail(Kind::invalid, "\"{}\" is no log stream of a job", stream_name);
  return append_to({training_group(), stream_name}, true, batch, lines);
}

Result<std::optional<BatchId>> FileLogs::newest_batch(const JobName& job) {
  const auto names = list_training_streams(directory_, job.value + "/");
  if (!names) return fail(names.error());
  const std::lock_guard lock(mutex_);
  std::optional<BatchId> newest;
  for (const auto& name : *names) {
    const auto opened = stream({training_group(), name}, false);
    if (!opened) return fail(opened.error());
    newest = std::max(newest, (*opened)->last_batch());
  }
  return newest;
}

// ---- what has expired

void FileLogs::drop_expired() {
  for (const auto& group : groups()) {
    const auto oldest = oldest_shown_ms(group.name);
    const auto names = group.retention_days && oldest ? stream_names(group.name, "") : std::vector<std::string>{};
    if (!names) log_warn("looking for expired logs: {}", names.error().message);
    if (!names) continue;
    // One at a time, so that nobody waits for all of them.
    for (const auto& name : *names) drop_expired(group.name, name, *oldest);
  }
}

// What stays is the last batch's end: by it a batch that comes again is known.
void FileLogs::drop_expired(const std::string& group, const std::string& stream_name, std::int64_t expired_before_ms) {
  const std::lock_guard lock(mutex_);
  const Key key{group, stream_name};
  const auto facts = facts_of(key);
  if (!facts || !facts->last_event_ms || *facts->last_event_ms >= expired_before_ms) return;
  const auto path = path_of(key);
  const auto there = stream(key, false);
  if (!path || !there || !(*there)->last_batch()) return;
  std::string text;
  append_batch_line(text, *(*there)->last_batch());
  if (auto emptied = write_file_atomically(*path, text, 0600); !emptied) {
    log_warn("taking back the space of an expired log: {}", emptied.error().message);
    return;
  }
  forget(key);
}

// ---- with the mutex held

Result<fs::path> FileLogs::path_of(const Key& key) const {
  const auto& [group, name] = key;
  const auto directory = groups_.directory_of(group);
  if (!directory) return fail(directory.error());
  if (group == training_group()) {
    if (!is_training_stream(name)) return fail(Kind::not_found, "there is no log stream \"{}\"", name);
    return directory_ / (name + std::string(kLogSuffix));
  }
  const auto path = path_of_stream(name);
  if (!path) return fail(Kind::not_found, "there is no log stream \"{}\"", name);
  return *directory / *path;
}

Result<std::shared_ptr<LogStream>> FileLogs::stream(const Key& key, bool create) {
  if (const auto* open = streams_.find(key)) return *open;
  const auto path = path_of(key);
  if (!path) return fail(path.error());
  if (create) {
    if (auto made = make_directories(path->parent_path()); !made) return fail(made.error());
  }
  auto opened = LogStream::open(*path, index_of(*path), create, now_ms());
  if (!opened && opened.error().kind == Kind::not_found) {
    return fail(Kind::not_found, "there is no log stream \"{}\"", key.second);
  }
  if (!opened) return fail(opened.error());
  return streams_.put(key, std::make_shared<LogStream>(std::move(*opened)));
}

Result<ports::LogStreamFacts> FileLogs::facts_of(const Key& key) {
  if (const auto* known = facts_.find(key)) return *known;
  const auto opened = stream(key, false);
  if (!opened) return fail(opened.error());
  auto facts = (*opened)->facts();
  facts.name = key.second;
  return facts_.put(key, facts);
}

Result<void> FileLogs::append_to(const Key& key, bool create, const BatchId& batch,
                                 const std::vector<ports::LogEvent>& lines) {
  const auto opened = stream(key, create);
  if (!opened) return fail(opened.error());
  if (auto appended = (*opened)->append(batch, lines); !appended) return appended;
  auto facts = (*opened)->facts();
  facts.name = key.second;
  facts_.put(key, std::move(facts));
  return {};
}

void FileLogs::forget(const Key& key) {
  streams_.erase(key);
  facts_.erase(key);
}

}  // namespace holdfast::telemetry
