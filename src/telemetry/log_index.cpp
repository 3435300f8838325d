#include "telemetry/log_index.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/log.hpp"

namespace holdfast::telemetry {

namespace {

// A record, and the header too: five numbers and what they must add up to, as this machine writes them.
constexpr std::size_t kFields = 5;
constexpr std::size_t kRecordBytes = (kFields + 1) * sizeof(std::uint64_t);
constexpr std::uint64_t kMagic = 0x31304c4458494648;  // "HFIXDL01"
constexpr std::size_t kLoadedAtOnce = 4096;

using Fields = std::array<std::uint64_t, kFields>;

std::uint64_t check_of(const Fields& fields) {
  std::uint64_t sum = 0x9e3779b97f4a7c15;
  for (const auto field : fields) sum = ((sum ^ field) * 0xff51afd7ed558ccd) ^ (sum >> 29);
  return sum;
}

void write_fields(std::string& bytes, const Fields& fields) {
  const std::uint64_t check = check_of(fields);
  bytes.append(reinterpret_cast<const char*>(fields.data()), sizeof fields);
  bytes.append(reinterpret_cast<const char*>(&check), sizeof check);
}

std::optional<Fields> read_fields(std::string_view bytes) {
  Fields fields;
  std::uint64_t check = 0;
  std::memcpy(fields.data(), bytes.data(), sizeof fields);
  std::memcpy(&check, bytes.data() + sizeof fields, sizeof check);
  return check == check_of(fields) ? std::optional(fields) : std::nullopt;
}

Fields to_fields(const IndexRecord& record) {
  const auto bits = [](std::int64_t ms) { return static_cast<std::uint64_t>(ms); };
  return {record.end, bits(record.span.min_ms), bits(record.span.max_ms), bits(record.running_ms),
          bits(record.ingestion_ms)};
}

IndexRecord to_record(const Fields& fields) {
  const auto ms = [&](std::size_t i) { return static_cast<std::int64_t>(fields[i]); };
  return {fields[0], {ms(1), ms(2)}, ms(3), ms(4)};
}

std::uint64_t place_of(std::size_t record) { return (record + 1) * kRecordBytes; }

}  // namespace

Result<LogIndex> LogIndex::open(const std::filesystem::path& path, const LogFile& log, std::uint64_t log_size) {
  auto file = LogFile::open(path, true);
  if (!file) return fail(file.error());
  LogIndex index(std::move(*file));
  if (auto loaded = index.load(log, log_size); !loaded) return fail(loaded.error());
  return index;
}

Result<void> LogIndex::load(const LogFile& log, std::uint64_t log_size) {
  const auto bytes = file_.size();
  if (!bytes) return fail(bytes.error());
  if (*bytes < kRecordBytes) return {};
  const auto header = file_.read(0, kRecordBytes);
  if (!header) return fail(header.error());
  const auto fields = read_fields(*header);
  if (!fields || (*fields)[0] != kMagic) {
    log_warn("{}: this is no index; it is made again", file_.name());
    return {};
  }
  created_ms_ = static_cast<std::int64_t>((*fields)[1]);
  const std::size_t written = *bytes / kRecordBytes - 1;
  for (bool sound = true; sound && size_ < written;) {
    const auto text = file_.read(place_of(size_), place_of(std::min(written, size_ + kLoadedAtOnce)));
    if (!text) return fail(text.error());
    for (std::size_t at = 0; sound && at < text->size(); at += kRecordBytes) {
      const auto next = read_fields(std::string_view(*text).substr(at, kRecordBytes));
      const auto record = next ? to_record(*next) : IndexRecord{};
      sound = next && record.end > last_.end && record.end <= log_size && record.running_ms >= last_.running_ms;
      if (sound) take(record);
    }
  }
  // A block ends with a line, unless the log is not the one that this was written for.
  if (size_ > 0) {
    const auto feed = log.read(last_.end - 1, last_.end);
    if (!feed) return fail(feed.error());
    if (*feed != "\n") {
      size_ = 0;
      last_ = {};
      min_ms_ = TimeSpan{}.min_ms;
    }
  }
  if (size_ < written) log_warn("{}: {} of {} records are of no use", file_.name(), written - size_, written);
  return file_.cut(place_of(size_));
}

Result<void> LogIndex::begin(std::int64_t created_ms) {
  std::string bytes;
  write_fields(bytes, {kMagic, static_cast<std::uint64_t>(created_ms), 0, 0, 0});
  if (auto cut = file_.cut(0); !cut) return cut;
  if (auto written = file_.write(0, bytes); !written) return written;
  created_ms_ = created_ms;
  return {};
}

Result<void> LogIndex::append(const std::vector<IndexRecord>& records) {
  std::string bytes;
  bytes.reserve(records.size() * kRecordBytes);
  for (const auto& record : records) write_fields(bytes, to_fields(record));
  if (auto written = file_.write(place_of(size_), bytes); !written) return written;
  for (const auto& record : records) take(record);
  return {};
}

Result<std::vector<IndexRecord>> LogIndex::read(std::size_t first, std::size_t count) const {
  const auto text = file_.read(place_of(first), place_of(first + count));
  if (!text) return fail(text.error());
  std::vector<IndexRecord> records;
  records.reserve(count);
  for (std::size_t at = 0; at < text->size(); at += kRecordBytes) {
    const auto fields = read_fields(std::string_view(*text).substr(at, kRecordBytes));
    if (!fields) return fail(Kind::permanent, "{}: record {} is damaged", file_.name(), first + records.size());
    records.push_back(to_record(*fields));
  }
  return records;
}

void LogIndex::take(const IndexRecord& record) {
  last_ = record;
  min_ms_ = std::min(min_ms_, record.span.min_ms);
  ++size_;
}

}  // namespace holdfast::telemetry
