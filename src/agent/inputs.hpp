// The input channels of one attempt: copied, streamed or shown, as the job says, and looked after while its program
// runs.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/host.hpp"
#include "base/result.hpp"
#include "job/spec.hpp"
#include "ports/object_store.hpp"

namespace holdfast::agent {

class Inputs {
 public:
  // Lines for the job's log go to `note`, from any task.
  Inputs(ports::ObjectStore& objects, Host& host, const std::vector<job::Channel>& channels,
         std::function<void(const std::string& line)> note);

  std::size_t count() const { return channels_.size(); }
  // What an earlier try brought is let go. Then each channel once, from several tasks at once.
  void begin();
  // Kind::invalid and Kind::not_found are the user's mistakes.
  Result<void> bring(std::size_t channel);

  // Of a channel that comes while the program runs, and no longer does: it must never look like one that ends.
  struct Trouble {
    std::string channel;
    Error error;
    bool files = false;  // of FastFile mode, which are gone; else a stream that broke off
  };
  std::optional<Trouble> trouble(bool of_files_only = false) const;
  // The program is about to be killed.
  void let_go();
  // Nothing comes any more.
  void end() { feeds_.clear(); }

 private:
  Result<void> copy(const job::Channel& channel);
  Result<void> feed(const job::Channel& channel, std::unique_ptr<ChannelFeed>& feed);
  Result<void> show(const job::Channel& channel, std::unique_ptr<ChannelFeed>& feed);

  ports::ObjectStore& objects_;
  Host& host_;
  const std::vector<job::Channel>& channels_;
  std::function<void(const std::string& line)> note_;
  std::vector<std::unique_ptr<ChannelFeed>> feeds_;  // by channel; none for those that are only files
  std::atomic<bool> said_it_copies_ = false;
};

}  // namespace holdfast::agent
