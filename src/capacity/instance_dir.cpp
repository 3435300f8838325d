#include "capacity/instance_dir.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "capacity/instance_cleaner.hpp"

namespace holdfast::capacity {

namespace {

using Json = nlohmann::json;
constexpr std::size_t kMaxInstanceFile = 64 * 1024;
constexpr std::string_view kNamePrefix = "i-";
constexpr std::size_t kFenceDigits = 16;

// No fsync: after a crash of the machine no instance lives that this file could speak of.
Result<void> write_new_file(const std::filesystem::path& path, std::string_view bytes) {
  const Fd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (!fd) return fail_errno("writing " + path.string(), errno);
  return write_all(fd.get(), bytes, "writing " + path.string());
}

std::string record_to_json(const InstanceRecord& record) {
  const auto& placement = record.placement;
  const auto ms = [](std::optional<Duration> duration) { return duration ? Json(duration->count()) : Json(); };
  return Json{{"fence", record.fence.value},
              {"job", record.job.value},
              {"pool", placement.pool.value},
              {"instance_type", placement.instance_type},
              {"zone", placement.zone},
              {"spot", placement.spot},
              {"price_per_hour_micros", placement.price_per_hour},
              {"on_demand_per_hour_micros", placement.on_demand_per_hour},
              {"gpus", record.gpus},
              {"notice_ms", ms(record.notice)},
              {"lifetime_ms", ms(record.lifetime)}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

InstanceRecord record_from_json(const Json& json) {
  InstanceRecord record;
  record.fence.value = json.at("fence").get<std::uint64_t>();
  record.job.value = json.at("job").get<std::string>();
  record.placement.pool.value = json.at("pool").get<std::string>();
  record.placement.instance_type = json.at("instance_type").get<std::string>();
  record.placement.zone = json.at("zone").get<std::string>();
  record.placement.spot = json.at("spot").get<bool>();
  record.placement.price_per_hour = json.at("price_per_hour_micros").get<MicroDollars>();
  record.placement.on_demand_per_hour = json.at("on_demand_per_hour_micros").get<MicroDollars>();
  record.gpus = json.at("gpus").get<std::vector<std::string>>();
  // An older version wrote no such thing.
  const auto duration = [&](const char* name) -> std::optional<Duration> {
    const auto value = json.value(name, Json());
    if (!value.is_number_integer()) return std::nullopt;
    return Duration{value.get<std::int64_t>()};
  };
  record.notice = duration("notice_ms");
  record.lifetime = duration("lifetime_ms");
  return record;
}

}  // namespace

std::string instance_name(Fence fence) { return fmt::format("{}{:016x}", kNamePrefix, fence.value); }

std::optional<Fence> fence_of(std::string_view name) {
  if (!name.starts_with(kNamePrefix) || name.size() != kNamePrefix.size() + kFenceDigits) return std::nullopt;
  const char* const end = name.data() + name.size();
  Fence fence;
  const auto [stopped, error] = std::from_chars(name.data() + kNamePrefix.size(), end, fence.value, 16);
  if (error != std::errc{} || stopped != end) return std::nullopt;
  return fence;
}

Result<void> InstanceDir::create(const InstanceRecord& record, const std::string& assignment) const {
  if (::mkdir(path_.c_str(), 0700) != 0) {
    if (errno != EEXIST) return fail_errno("making " + path_.string(), errno);
    clean_directory(path_, {});
    if (::mkdir(path_.c_str(), 0700) != 0) return fail_errno("making " + path_.string(), errno);
  }
  if (auto written = write_new_file(path_ / kAssignmentFile, assignment); !written) return written;
  return write_new_file(path_ / kInstanceFile, record_to_json(record));
}

Result<InstanceRecord> InstanceDir::record() const {
  const auto text = read_file(path_ / kInstanceFile, kMaxInstanceFile);
  if (!text) return fail(text.error());
  try {
    return record_from_json(Json::parse(*text));
  } catch (const Json::exception& error) {
    return fail(Kind::permanent, "understanding {}: {}", (path_ / kInstanceFile).string(), error.what());
  }
}

Result<ProcessIdentity> InstanceDir::process() const {
  const auto path = path_ / kProcessFile;
  // Making the file ourselves stops a process that an earlier service forked just before it died.
  const Fd claimed{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (claimed) return fail(Kind::not_found, "no process was started in {}", path_.string());
  const auto text = read_file(path, kMaxInstanceFile);
  if (!text) return fail(text.error());
  return process_from_json(*text);
}

Result<void> InstanceDir::write_notice(Instant deadline) const {
  const Json json{{"deadline_ms", to_ms(deadline)}, {"reason", "spot interruption"}};
  return write_file_atomically(path_ / kNoticeFile, json.dump(), 0600);
}

std::optional<Instant> InstanceDir::notice() const {
  const auto text = read_file(path_ / kNoticeFile, kMaxInstanceFile);
  if (!text) return std::nullopt;
  const auto json = Json::parse(*text, nullptr, false);
  if (!json.is_object() || !json.contains("deadline_ms") || !json["deadline_ms"].is_number_integer()) {
    log_warn("{} is not understood", (path_ / kNoticeFile).string());
    return std::nullopt;
  }
  return from_ms(json["deadline_ms"].get<std::int64_t>());
}

void InstanceDir::remove_assignment() const {
  if (::unlink((path_ / kAssignmentFile).c_str()) != 0 && errno != ENOENT) {
    log_warn("{}", fail_errno("removing the assignment in " + path_.string(), errno).value().message);
  }
}

}  // namespace holdfast::capacity
