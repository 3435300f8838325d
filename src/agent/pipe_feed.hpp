// A channel in Pipe mode: <channel>_0, <channel>_1, ... beside the directories of the other channels, a named pipe for
// each epoch. What the channel consists of is streamed into the first as soon as the program opens it; when it has read
// all of that, or closed its end, the pipe is taken away and the next one's turn comes, which is there already. A
// program that opens none costs a thread that sleeps. Every attempt begins with epoch 0.
//
// An epoch that cannot be finished never looks finished: its reader waits until it is ended.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "agent/channels.hpp"
#include "agent/fifo.hpp"
#include "agent/host.hpp"
#include "agent/object_reader.hpp"
#include "agent/tasks.hpp"
#include "base/time.hpp"

namespace holdfast::agent {

class PipeFeed final : public ChannelFeed {
 public:
  // The first two pipes are there when it returns. `wake` is called from another thread when there is trouble().
  // `first_pause`: until the store is asked again when it is away; the next one is twice as long.
  static Result<std::unique_ptr<PipeFeed>> start(ports::ObjectStore& store, const std::string& channel,
                                                 ChannelStream stream, const std::filesystem::path& directory,
                                                 Tasks& tasks, std::function<void()> wake,
                                                 Duration first_pause = seconds{1});
  // Ends the stream where it is, also in the middle of an epoch: only when its reader is gone, or does not count.
  ~PipeFeed() override;
  std::optional<Error> trouble() const override;

 private:
  PipeFeed(ports::ObjectStore& store, std::string channel, ChannelStream stream, std::function<void()> wake,
           Duration first_pause);
  std::string name_of(std::uint64_t epoch) const;
  Result<std::unique_ptr<Fifo>> make_fifo(std::uint64_t epoch) const;
  bool pause(int tries) const;

  void run();
  bool enter_epoch();
  bool leave_epoch();
  void report(const Error& error);
  Result<Sent> feed_epoch();
  Result<void> next_epoch();
  Result<Sent> send(const Piece& piece);
  Result<Sent> send_text(const std::string& text);
  Result<Sent> send_object(const ports::S3Location& object);
  Result<Sent> send_contents(const ports::S3Location& object, std::optional<std::uint64_t> length);
  Result<std::uint64_t> length_of(const ports::S3Location& object);
  Result<bool> read(const ports::S3Location& object, const ObjectReader::Sink& sink);
  bool stop_asked() const;

  const std::string channel_;
  const ChannelStream stream_;
  const std::function<void()> wake_;
  const Duration first_pause_;
  ObjectReader reader_;
  Fd directory_, stop_;
  std::uint64_t epoch_ = 0;
  std::unique_ptr<Fifo> now_, next_;

  mutable std::mutex mutex_;  // for what follows
  Fifo* entered_ = nullptr;   // that run() may be blocked on
  bool stopping_ = false;
  std::optional<Error> trouble_;

  std::unique_ptr<Task> task_;  // last: it uses all of the above
};

}  // namespace holdfast::agent
