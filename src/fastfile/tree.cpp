#include "fastfile/tree.hpp"

#include <algorithm>

#include "checkpoint/paths.hpp"

namespace holdfast::fastfile {

namespace {

// "a/b" before "a-b": what lies in one folder lies together, so that a folder is entered once.
bool before(const Object& one, const Object& other) {
  const auto rank = [](char c) { return c == '/' ? 0 : 1 + static_cast<unsigned char>(c); };
  return std::ranges::lexicographical_compare(one.path, other.path, {}, rank, rank);
}

}  // namespace

Result<Tree> Tree::make(std::vector<Object> objects) {
  std::ranges::sort(objects, before);
  Tree tree;
  tree.open_.emplace_back("", 0);
  for (auto& object : objects) {
    if (!checkpoint::is_safe_path(object.path)) {
      return fail(Kind::invalid, "{}: it leads out of the channel, or is no file name", object.path);
    }
    const auto folder = tree.folder_for(checkpoint::folder_of(object.path));
    if (!folder) return fail(folder.error());
    const auto& siblings = tree.nodes_[*folder].children;
    auto name = object.path.substr(object.path.rfind('/') + 1);
    if (!siblings.empty() && tree.nodes_[siblings.back()].name == name) {
      return fail(Kind::invalid, "{}: it stands there twice, or is a file and a folder at once", object.path);
    }
    const auto number = static_cast<Number>(tree.nodes_.size());
    tree.bytes_ += object.size;
    tree.files_ += 1;
    for (const auto& [path, open] : tree.open_) {
      tree.nodes_[open].modified = std::max(tree.nodes_[open].modified, object.modified);
    }
    tree.nodes_.push_back({.name = std::move(name),
                           .parent = *folder,
                           .size = object.size,
                           .version = std::move(object.version),
                           .modified = object.modified});
    tree.nodes_[*folder].children.push_back(number);
  }
  tree.open_.clear();
  return tree;
}

// Leaves the folders that are done and enters those that are new.
Result<Tree::Number> Tree::folder_for(std::string_view path) {
  const auto holds = [&](const std::string& folder) {
    return folder.empty() || path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
  };
  while (!holds(open_.back().first)) open_.pop_back();
  while (open_.back().first.size() != path.size()) {
    const auto& [above, parent] = open_.back();
    const auto begin = above.empty() ? 0 : above.size() + 1;
    const auto end = std::min(path.find('/', begin), path.size());
    const std::string name(path.substr(begin, end - begin));
    const auto number = static_cast<Number>(nodes_.size());
    const auto& siblings = nodes_[parent].children;
    if (!siblings.empty() && nodes_[siblings.back()].name == name) {
      return fail(Kind::invalid, "{}: it is a file and a folder at once", path.substr(0, end));
    }
    nodes_.push_back({.name = name, .parent = parent, .is_folder = true});
    nodes_[parent].children.push_back(number);
    open_.emplace_back(path.substr(0, end), number);
  }
  return open_.back().second;
}

std::optional<Tree::Number> Tree::find(Number folder, std::string_view name) const {
  const auto& children = nodes_[folder].children;
  const auto found = std::ranges::lower_bound(children, name, {},
                                              [&](Number child) -> std::string_view { return nodes_[child].name; });
  if (found == children.end() || nodes_[*found].name != name) return std::nullopt;
  return *found;
}

std::string Tree::path_of(Number number) const {
  std::string path = nodes_[number].name;
  for (auto above = nodes_[number].parent; above != 0; above = nodes_[above].parent) {
    path = nodes_[above].name + "/" + path;
  }
  return path;
}

}  // namespace holdfast::fastfile
