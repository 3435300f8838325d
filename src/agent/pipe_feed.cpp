#include "agent/pipe_feed.hpp"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agent/beneath.hpp"
#include "agent/record_io.hpp"
#include "base/gunzip.hpp"
#include "base/log.hpp"
#include "base/poll.hpp"

namespace holdfast::agent {
namespace {

std::string uri_of(const ports::S3Location& object) { return fmt::format("s3://{}/{}", object.bucket, object.key); }

// A reader that goes away is an answer here, no reason to die.
void ignore_broken_pipes() {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
}

}  // namespace

PipeFeed::PipeFeed(ports::ObjectStore& store, std::string channel, ChannelStream stream, std::function<void()> wake,
                   Duration first_pause)
    : channel_(std::move(channel)),
      stream_(std::move(stream)),
      wake_(std::move(wake)),
      first_pause_(first_pause),
      reader_(store, [this](int tries) { return pause(tries); }) {}

Result<std::unique_ptr<PipeFeed>> PipeFeed::start(ports::ObjectStore& store, const std::string& channel,
                                                  ChannelStream stream, const std::filesystem::path& directory,
                                                  Tasks& tasks, std::function<void()> wake, Duration first_pause) {
  std::unique_ptr<PipeFeed> feed(new PipeFeed(store, channel, std::move(stream), std::move(wake), first_pause));
  auto opened = open_directory(directory);
  if (!opened) return fail(opened.error());
  feed->directory_ = std::move(*opened);
  feed->stop_ = Fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!feed->stop_) return fail_errno("making an eventfd", errno);
  auto now = feed->make_fifo(0);
  if (!now) return fail(now.error());
  auto next = feed->make_fifo(1);
  if (!next) return fail(next.error());
  feed->now_ = std::move(*now);
  feed->next_ = std::move(*next);
  feed->task_ = tasks.start([running = feed.get()] { running->run(); });
  return feed;
}

PipeFeed::~PipeFeed() {
  if (!task_) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    const std::uint64_t one = 1;
    if (::write(stop_.get(), &one, sizeof one) < 0) log_error("stopping the stream of {} failed", channel_);
    if (entered_ != nullptr) entered_->release();
  }
  task_.reset();
}

std::optional<Error> PipeFeed::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

std::string PipeFeed::name_of(std::uint64_t epoch) const { return fmt::format("{}_{}", channel_, epoch); }

Result<std::unique_ptr<Fifo>> PipeFeed::make_fifo(std::uint64_t epoch) const {
  auto made = Fifo::make(directory_.get(), name_of(epoch), stop_.get());
  if (!made) return fail(made.error());
  return std::make_unique<Fifo>(std::move(*made));
}

bool PipeFeed::stop_asked() const { return is_readable(stop_.get(), 0); }

bool PipeFeed::pause(int tries) const {
  const auto wait = first_pause_ * (1 << std::min(tries - 1, kReadAttempts));
  return !is_readable(stop_.get(), static_cast<int>(wait.count()));
}

// ---- epoch by epoch, on its own task

void PipeFeed::run() {
  ignore_broken_pipes();
  while (enter_epoch()) {
    const auto fed = feed_epoch();
    if (!leave_epoch()) return;
    if (!fed) return report(fed.error());
    if (auto turned = next_epoch(); !turned) return report(turned.error());
  }
}

bool PipeFeed::enter_epoch() {
  const std::lock_guard lock(mutex_);
  entered_ = now_.get();
  return !stopping_;
}

bool PipeFeed::leave_epoch() {
  const std::lock_guard lock(mutex_);
  entered_ = nullptr;
  return !stopping_;
}

Result<void> PipeFeed::next_epoch() {
  // Before this pipe is closed and the program comes for the next but one.
  auto made = make_fifo(epoch_ + 2);
  if (!made) return fail(made.error());
  ::unlinkat(directory_.get(), name_of(epoch_).c_str(), 0);
  now_ = std::move(next_);
  next_ = std::move(*made);
  ++epoch_;
  return {};
}

// The pipe stays open until the stop: what its reader has is not the whole epoch.
void PipeFeed::report(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    trouble_ = error;
  }
  wake_();
  is_readable(stop_.get(), -1);
}

Result<Sent> PipeFeed::feed_epoch() {
  const auto order = order_of(stream_, epoch_);
  auto sent = now_->await_reader();
  for (auto next = order.begin(); next != order.end() && sent && *sent == Sent::all; ++next) {
    sent = send(stream_.pieces[*next]);
  }
  return sent;
}

// ---- piece by piece

Result<Sent> PipeFeed::send(const Piece& piece) {
  if (const auto* text = std::get_if<std::string>(&piece)) return send_text(*text);
  return send_object(std::get<ports::S3Location>(piece));
}

Result<Sent> PipeFeed::send_text(const std::string& text) {
  if (!stream_.record_io) return now_->send(text);
  const auto head = record_head(text.size());
  std::string record(head.data(), head.size());
  record.append(text).append(record_padding(text.size()));
  return now_->send(record);
}

Result<Sent> PipeFeed::send_object(const ports::S3Location& object) {
  if (!stream_.record_io) return send_contents(object, std::nullopt);
  const auto length = length_of(object);
  if (!length) return fail(length.error());
  if (*length > kMaxRecord) {
    return fail(Kind::invalid, "{}: it has more than {} bytes, which a RecordIO record can hold", uri_of(object),
                kMaxRecord);
  }
  const auto head = record_head(*length);
  auto sent = now_->send({head.data(), head.size()});
  if (sent && *sent == Sent::all) sent = send_contents(object, *length);
  if (sent && *sent == Sent::all) sent = now_->send(record_padding(*length));
  return sent;
}

Result<Sent> PipeFeed::send_contents(const ports::S3Location& object, std::optional<std::uint64_t> length) {
  Result<Sent> sent = Sent::all;
  std::uint64_t bytes = 0;
  const auto done = read(object, [&](std::string_view block) {
    bytes += block.size();
    if (length && bytes > *length) return false;
    sent = now_->send(block);
    return sent && *sent == Sent::all;
  });
  if (!sent || *sent != Sent::all) return sent;
  if (!done) return fail(done.error());
  if (length && bytes != *length) {
    return fail(Kind::conflict, "{}: it was replaced while it was read", uri_of(object));
  }
  return sent;
}

// Of what is sent. How long a compressed object will be is known only when it was read once.
Result<std::uint64_t> PipeFeed::length_of(const ports::S3Location& object) {
  if (!stream_.gzip) return reader_.size(object);
  std::uint64_t bytes = 0;
  const auto done = read(object, [&](std::string_view block) {
    bytes += block.size();
    return bytes <= kMaxRecord && !stop_asked();
  });
  if (!done) return fail(done.error());
  return bytes;
}

Result<bool> PipeFeed::read(const ports::S3Location& object, const ObjectReader::Sink& sink) {
  if (!stream_.gzip) return reader_.read(object, sink);
  Gunzip gunzip;
  Result<bool> more = true;
  const auto done = reader_.read(object, [&](std::string_view block) {
    more = gunzip.feed(block, sink);
    return more && *more;
  });
  if (!more) return fail(more.error(), "decompressing {}", uri_of(object));
  if (!done || !*done) return done;
  if (auto whole = gunzip.end(); !whole) return fail(whole.error(), "decompressing {}", uri_of(object));
  return true;
}

}  // namespace holdfast::agent
