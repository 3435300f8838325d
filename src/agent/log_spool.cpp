// A record in the file: timestamp (8 bytes), length (4 bytes), the line; in this machine's byte order, since only this
// process reads it.
#include "agent/log_spool.hpp"

#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/log.hpp"

namespace holdfast::agent {

namespace {
constexpr std::size_t kHeader = 12;
}

void LogSpool::append(std::int64_t timestamp_ms, std::string_view line) {
  const std::lock_guard lock(mutex_);
  std::string notice;
  if (dropped_ > 0 && written_ < kMaxSpool) {
    notice = fmt::format("[holdfast] {} log lines were dropped: the control plane was away and the spool was full\n",
                         dropped_);
    dropped_ = 0;
  }
  char header[kHeader];
  const auto length = static_cast<std::uint32_t>(notice.size() + line.size());
  std::memcpy(header, &timestamp_ms, 8);
  std::memcpy(header + 8, &length, 4);
  std::string record(header, kHeader);
  record += notice;
  record += line;
  if (written_ + record.size() > kMaxSpool ||
      ::pwrite(fd_.get(), record.data(), record.size(), static_cast<off_t>(written_)) !=
          static_cast<ssize_t>(record.size())) {
    ++dropped_;  // a full disk must not stop the training
    return;
  }
  written_ += record.size();
}

std::optional<ports::LogBatch> LogSpool::next() {
  const std::lock_guard lock(mutex_);
  if (read_ == written_) return std::nullopt;
  // A batch in flight is sent again as it was, however much has come since: the other end counts batches.
  const std::uint64_t end = next_read_ > read_ ? next_read_ : written_;
  ports::LogBatch batch{sequence_, stream_, {}};
  std::uint64_t at = read_;
  while (at < end && (next_read_ > read_ || (batch.lines.size() < kMaxBatchLines && at - read_ < kMaxBatchBytes))) {
    char header[kHeader];
    if (::pread(fd_.get(), header, kHeader, static_cast<off_t>(at)) != static_cast<ssize_t>(kHeader)) break;
    std::int64_t timestamp = 0;
    std::uint32_t length = 0;
    std::memcpy(&timestamp, header, 8);
    std::memcpy(&length, header + 8, 4);
    std::string line(length, '\0');
    if (::pread(fd_.get(), line.data(), length, static_cast<off_t>(at + kHeader)) != static_cast<ssize_t>(length))
      break;
    batch.lines.push_back({timestamp, 0, std::move(line)});
    at += kHeader + length;
  }
  if (batch.lines.empty()) {
    log_warn("the log spool cannot be read back: {} bytes of log are lost", written_ - read_);
    read_ = next_read_ = written_;
    return std::nullopt;
  }
  next_read_ = at;
  return batch;
}

void LogSpool::acknowledged() {
  const std::lock_guard lock(mutex_);
  read_ = next_read_;
  ++sequence_;
  if (read_ == written_ && written_ > 0 && ::ftruncate(fd_.get(), 0) == 0) read_ = written_ = next_read_ = 0;
}

bool LogSpool::more_behind() {
  const std::lock_guard lock(mutex_);
  return next_read_ < written_;
}

bool LogSpool::empty() {
  const std::lock_guard lock(mutex_);
  return read_ == written_;
}

}  // namespace holdfast::agent
