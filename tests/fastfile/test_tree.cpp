#include "fastfile/tree.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace holdfast;
using namespace holdfast::fastfile;

namespace {

Object object(const std::string& path, std::uint64_t size = 1, std::int64_t ms = 1000) {
  return {path, size, "etag-" + path, from_ms(ms)};
}
Tree tree_of(std::vector<Object> objects) {
  auto tree = Tree::make(std::move(objects));
  REQUIRE_MESSAGE(tree, (tree ? "" : tree.error().message));
  return std::move(*tree);
}
std::vector<std::string> names_in(const Tree& tree, Tree::Number folder) {
  std::vector<std::string> names;
  for (const auto child : tree.node(folder).children) names.push_back(tree.node(child).name);
  return names;
}

}  // namespace

TEST_CASE("a tree has every file where its path says, and folders on the way") {
  const auto tree = tree_of({object("b/y", 5), object("a", 3), object("b/deep/er/x", 7), object("b-c", 2)});
  CHECK(names_in(tree, 0) == std::vector<std::string>{"a", "b", "b-c"});
  const auto b = tree.find(0, "b");
  REQUIRE(b);
  CHECK(tree.node(*b).is_folder);
  CHECK(names_in(tree, *b) == std::vector<std::string>{"deep", "y"});
  const auto y = tree.find(*b, "y");
  REQUIRE(y);
  CHECK(tree.node(*y).size == 5);
  CHECK(tree.node(*y).version == "etag-b/y");
  CHECK(tree.path_of(*y) == "b/y");
  CHECK(tree.find(0, "y") == std::nullopt);
  CHECK(tree.find(0, "") == std::nullopt);
  CHECK(tree.files() == 4);
  CHECK(tree.bytes() == 17);
}

TEST_CASE("a folder is as new as its newest file") {
  const auto tree = tree_of({object("f/old", 1, 1000), object("f/deep/new", 1, 9000), object("g/x", 1, 5000)});
  CHECK(tree.node(0).modified == from_ms(9000));
  CHECK(tree.node(*tree.find(0, "f")).modified == from_ms(9000));
  CHECK(tree.node(*tree.find(0, "g")).modified == from_ms(5000));
}

TEST_CASE("each file of many is found again by its path, whatever bytes its names have") {
  std::vector<Object> objects;
  const std::vector<std::string> names{"a", "a!", "a-", "a0", "A", "z", "\xC3\xA4", "a b", ".", "..."};
  for (const auto& one : names) {
    for (const auto& other : names) {
      for (const auto& third : names) {
        if (one == "." || other == "." || third == ".") continue;
        objects.push_back(object("d" + one + "/" + other + "/" + third));
      }
    }
  }
  const auto tree = tree_of(objects);
  CHECK(tree.files() == objects.size());
  std::set<Tree::Number> numbers;
  for (const auto& one : objects) {
    std::optional<Tree::Number> at = 0;
    for (std::size_t begin = 0; begin <= one.path.size() && at;) {
      const auto end = std::min(one.path.find('/', begin), one.path.size());
      at = tree.find(*at, one.path.substr(begin, end - begin));
      begin = end + 1;
    }
    REQUIRE_MESSAGE(at, one.path);
    CHECK(tree.path_of(*at) == one.path);
    numbers.insert(*at);
  }
  CHECK(numbers.size() == objects.size());
}

TEST_CASE("what cannot be a file beside the others is refused, in whichever order it comes") {
  for (const auto& [one, other] : std::vector<std::pair<std::string, std::string>>{{"a", "a/b"},
                                                                                   {"a/b/c", "a/b"},
                                                                                   {"a-", "a-/x"},
                                                                                   {"x", "x"},
                                                                                   {"fine", "../up"},
                                                                                   {"fine", "a//b"},
                                                                                   {"fine", ""}}) {
    CHECK_MESSAGE(Tree::make({object(one), object(other)}).error().kind == Kind::invalid, other);
    CHECK_MESSAGE(Tree::make({object(other), object("m"), object(one)}).error().kind == Kind::invalid, other);
  }
}
