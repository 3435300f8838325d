// The process that shows the channels in FastFile mode to the program, as its agent sees it. A process of its own:
// files that a program waits for must not depend on what else an agent does, and a fault in the way to them is no fault
// of the attempt's bookkeeping. It ends with its agent, as the program does, however that ends, and unmounts first.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "agent/fast_file_messages.hpp"
#include "base/file.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace holdfast::agent {

class FastFiles {
 public:
  using Note = std::function<void(const std::string& line)>;

  // `command` is its argv before "--directory DIR", `directory` the instance's. Returns once the file system is there;
  // what an earlier one left there is unmounted first. `wake` is called from another thread when there is trouble().
  // The error says what this machine lacks.
  static Result<std::unique_ptr<FastFiles>> start(const std::vector<std::string>& command,
                                                  const std::filesystem::path& directory, Note note,
                                                  std::function<void()> wake);
  // Unmounts and ends it. What it has to say at the end is noted before this returns.
  ~FastFiles();
  FastFiles(const FastFiles&) = delete;
  FastFiles& operator=(const FastFiles&) = delete;

  // From several threads, one after the other.
  Result<void> show(const std::string& channel, const ChannelListing& listing);
  std::filesystem::path folder_of(const std::string& channel) const;
  // It has ended, though nobody asked it to.
  std::optional<Error> trouble() const;
  // Begins the end: reads that wait for a store end with an error.
  void let_go();

 private:
  FastFiles(std::filesystem::path place, Note note, std::function<void()> wake);
  Result<void> run(const std::vector<std::string>& command, const std::filesystem::path& directory);
  void listen();
  void take(const std::string& line);
  Result<void> await(const std::string& what, const std::function<bool()>& answered);

  const std::filesystem::path place_;
  const Note note_;
  const std::function<void()> wake_;
  Fd socket_;
  pid_t process_ = 0;

  std::mutex showing_;        // one channel at a time
  mutable std::mutex mutex_;  // for what follows
  std::condition_variable changed_;
  bool mounted_ = false, ended_ = false, leaving_ = false;
  std::optional<Error> refused_;
  std::set<std::string> shown_;

  std::thread listener_;
};

}  // namespace holdfast::agent
