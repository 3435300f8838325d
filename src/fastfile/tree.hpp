// The files and folders of a channel in FastFile mode, as a file system shows them: made once from the list of its
// objects, and never changed. Numbers are positions in the tree; 0 is the channel's own folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace holdfast::fastfile {

struct Object {
  std::string path;  // of the file, below the channel's folder
  std::uint64_t size = 0;
  std::string version;  // its ETag: no other object is read under this name
  Instant modified;
};

class Tree {
 public:
  using Number = std::uint32_t;
  struct Node {
    std::string name;
    Number parent = 0;
    bool is_folder = false;
    std::uint64_t size = 0;
    std::string version = {};
    Instant modified = {};              // of a folder: its newest file's, however deep
    std::vector<Number> children = {};  // by name
  };

  // Kind::invalid: a path that is none, stands twice, or is a file and a folder at once.
  static Result<Tree> make(std::vector<Object> objects);

  const Node& node(Number number) const { return nodes_[number]; }
  std::size_t size() const { return nodes_.size(); }
  std::optional<Number> find(Number folder, std::string_view name) const;
  std::string path_of(Number number) const;
  std::uint64_t bytes() const { return bytes_; }
  std::size_t files() const { return files_; }

 private:
  Result<Number> folder_for(std::string_view path);

  std::vector<Node> nodes_{Node{.name = "", .is_folder = true}};
  std::vector<std::pair<std::string, Number>> open_;  // while it is made: the folders on the way to the last path
  std::uint64_t bytes_ = 0;
  std::size_t files_ = 0;
};

}  // namespace holdfast::fastfile
