#include "telemetry/log_groups.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/log.hpp"

namespace holdfast::telemetry {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr const char* kGroupFile = "group.json";
constexpr const char* kDeleted = ".deleted";
constexpr std::size_t kMaxGroupFile = 1024 * 1024;

Result<ports::LogGroup> parse_group(const std::string& text) try {
  const json parts = json::parse(text);
  ports::LogGroup group{
      .name = parts.at("name"), .created_ms = parts.at("created_ms"), .retention_days = {}, .tags = {}};
  if (parts.contains("retention_days")) group.retention_days = parts.at("retention_days").get<int>();
  group.tags = parts.at("tags").get<std::map<std::string, std::string>>();
  return group;
} catch (const json::exception& error) {
  return fail(Kind::permanent, "understanding a log group: {}", error.what());
}

std::string to_text(const ports::LogGroup& group) {
  json parts = {{"name", group.name}, {"created_ms", group.created_ms}, {"tags", group.tags}};
  if (group.retention_days) parts["retention_days"] = *group.retention_days;
  return parts.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<std::uint64_t> number_of(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

}  // namespace

Result<LogGroups> LogGroups::open(fs::path directory, std::int64_t now_ms) {
  if (auto made = make_directories(directory); !made) return fail(made.error());
  LogGroups groups(std::move(directory));
  std::error_code error;
  fs::directory_iterator entry(groups.directory_, error);
  for (; !error && entry != fs::directory_iterator{}; entry.increment(error)) groups.load(entry->path());
  if (error) return fail_errno("reading " + groups.directory_.string(), error.value());
  const std::string trainings(ports::kTrainingLogGroup);
  if (groups.groups_.contains(trainings)) return groups;
  const Entry made{0, {.name = trainings, .created_ms = now_ms, .retention_days = {}, .tags = {}}};
  if (auto saved = groups.save(made); !saved) return fail(saved.error());
  groups.groups_[trainings] = made;
  return groups;
}

void LogGroups::load(const fs::path& place) {
  std::error_code error;
  if (place.filename().string().ends_with(kDeleted)) {
    fs::remove_all(place, error);
    return;
  }
  const auto number = number_of(place.filename().string());
  if (!number) return;
  next_number_ = std::max(next_number_, *number + 1);
  const auto text = read_file(place / kGroupFile, kMaxGroupFile);
  // A directory whose group was never answered for.
  if (!text && text.error().kind == Kind::not_found) return;
  auto group = text ? parse_group(*text) : Result<ports::LogGroup>(fail(text.error()));
  if (!group) return log_error("the log group in {} is left out: {}", place.string(), group.error().message);
  groups_[group->name] = {*number, *group};
}

Result<void> LogGroups::save(const Entry& entry) const {
  const auto place = directory_ / std::to_string(entry.number);
  if (auto made = make_directories(place); !made) return made;
  if (auto written = write_file_atomically(place / kGroupFile, to_text(entry.group), 0600); !written) return written;
  return sync_directory(directory_);
}

std::vector<ports::LogGroup> LogGroups::list() const {
  std::vector<ports::LogGroup> list;
  for (const auto& [name, entry] : groups_) list.push_back(entry.group);
  return list;
}

Result<ports::LogGroup> LogGroups::find(const std::string& name) const {
  const auto found = groups_.find(name);
  if (found == groups_.end()) return fail(Kind::not_found, "there is no log group \"{}\"", name);
  return found->second.group;
}

Result<fs::path> LogGroups::directory_of(const std::string& name) const {
  const auto found = groups_.find(name);
  if (found == groups_.end()) return fail(Kind::not_found, "there is no log group \"{}\"", name);
  return directory_ / std::to_string(found->second.number);
}

Result<void> LogGroups::create(ports::LogGroup group) {
  if (groups_.contains(group.name)) return fail(Kind::conflict, "there is a log group \"{}\" already", group.name);
  if (groups_.size() >= kMaxLogGroups) return fail(Kind::no_space, "there are {} log groups already", kMaxLogGroups);
  const Entry entry{next_number_, std::move(group)};
  if (auto saved = save(entry); !saved) return saved;
  ++next_number_;
  groups_[entry.group.name] = entry;
  return {};
}

Result<void> LogGroups::change(const ports::LogGroup& group) {
  const auto found = groups_.find(group.name);
  if (found == groups_.end()) return fail(Kind::not_found, "there is no log group \"{}\"", group.name);
  const Entry changed{found->second.number, group};
  if (auto saved = save(changed); !saved) return saved;
  found->second = changed;
  return {};
}

// Renamed first, so that a crash leaves it whole or gone.
Result<void> LogGroups::remove(const std::string& name) {
  const auto found = groups_.find(name);
  if (found == groups_.end()) return fail(Kind::not_found, "there is no log group \"{}\"", name);
  if (found->second.number == 0) return fail(Kind::invalid, "the log group \"{}\" is the trainings' own", name);
  const auto place = directory_ / std::to_string(found->second.number);
  const auto away = fs::path(place.string() + kDeleted);
  std::error_code error;
  fs::rename(place, away, error);
  if (error) return fail_errno("removing " + place.string(), error.value());
  groups_.erase(found);
  if (auto synced = sync_directory(directory_); !synced) return synced;
  fs::remove_all(away, error);
  if (error) log_warn("removing {}: {}", away.string(), error.message());
  return {};
}

}  // namespace holdfast::telemetry
