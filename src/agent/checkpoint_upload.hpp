// Stores files of the checkpoint directory: several at once, small ones together in one object, and no content twice.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/checkpoint_place.hpp"
#include "agent/folder.hpp"
#include "agent/tasks.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "checkpoint/transfer_plan.hpp"
#include "ports/object_store.hpp"

namespace holdfast::agent {

constexpr std::size_t kParallelUploads = 8;
// Files of at most that many bytes lie together in objects of at most kPackBytes, where there are enough of them.
constexpr std::uint64_t kSmallFile = 256u << 10;
constexpr std::uint64_t kPackBytes = 4u << 20;
constexpr std::size_t kPackAtLeast = 8;

struct Upload {
  enum class Came {
    not_tried,  // the time was over
    stored,     // exactly as it was seen
    changed,    // it is no longer as it was seen: nothing that a manifest could name
    failed,
  };
  checkpoint::LocalFile local;
  Came came = Came::not_tried;
  checkpoint::UploadedFile stored = {};
  std::uint64_t sent = 0;  // bytes; 0 where its content was there already
  std::optional<Error> error = {};
};

class Uploader {
 public:
  Uploader(ports::ObjectStore& store, CheckpointPlace place, Fence fence, Folder& folder, Tasks& tasks,
           std::size_t pack_at_least)
      : store_(store),
        place_(std::move(place)),
        fence_(fence),
        folder_(folder),
        tasks_(tasks),
        pack_at_least_(pack_at_least) {}

  // Numbers of this fence from here on have never been used.
  void number_from(std::uint64_t next) { next_object_ = std::max(next_object_, next); }

  // What is stored and may be named by the next manifest; stays so, and where it is, during the call.
  using Known = std::vector<const checkpoint::UploadedFile*>;
  struct Outcome {
    std::vector<Upload> files;         // as given
    std::vector<std::string> objects;  // each that was put, or may have been
  };
  // A file is stored as it was seen, or not at all. What it must be, before and after:
  enum class Expect {
    unchanged,  // the same, and what its path names
    opened,     // the same; it was opened when it was seen, whatever its path names by now
    grown,      // no shorter: it is stored as far as it was seen
  };
  using Opened = std::vector<std::shared_ptr<OpenFile>>;  // as the files
  // `over`, asked from several tasks: no other file is begun. `opened`: for Expect::opened.
  Outcome run(const std::vector<checkpoint::LocalFile>& files, const Known& known, const std::function<bool()>& over,
              Expect expect = Expect::unchanged, const Opened& opened = {});

 private:
  ports::ObjectStore& store_;
  CheckpointPlace place_;
  Fence fence_;
  Folder& folder_;
  Tasks& tasks_;
  std::size_t pack_at_least_;
  std::uint64_t next_object_ = 0;
};

}  // namespace holdfast::agent
