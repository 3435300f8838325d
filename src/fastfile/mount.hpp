// The file system itself: channels as folders, read-only, through FUSE. Everything but the bytes of files is answered
// from memory. libfuse's headers stay in mount.cpp.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "fastfile/reader.hpp"
#include "fastfile/tree.hpp"

namespace holdfast::fastfile {

struct Channel {
  std::string name;
  std::string bucket;
  std::string prefix;  // of the keys: what stands before a file's path
  Tree tree;
  std::shared_ptr<Counters> counters = std::make_shared<Counters>();
};

class Mount {
 public:
  // The channels appear in `place`/kChannels. `lost` is called from another thread when nothing is served any more
  // though nobody called close(). The error says what is missing, and what to do about it.
  static Result<std::unique_ptr<Mount>> open(const std::filesystem::path& place, Reader& reader,
                                             std::function<void()> lost = {});
  // Unmounts. Whoever still has a file open gets errors.
  ~Mount();
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

  Result<void> add(Channel channel);
  // Unmounts, whatever is under way; afterwards nothing is answered any more.
  void close();

  struct Parts;

 private:
  explicit Mount(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

constexpr const char* kChannels = "channels";

}  // namespace holdfast::fastfile
