#include <doctest/doctest.h>

#include "store/sqlite_algorithms.hpp"
#include "store/sqlite_store.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using holdfast::testing::TempDir;

namespace {

const Instant kStart = from_ms(1'700'000'000'000);

ports::Algorithm algorithm(const std::string& name, Duration age = {}) {
  return {name, "arn:" + name, kStart - age, R"({"AlgorithmName":")" + name + R"("})", {{"team", "a"}}};
}

std::string names(ports::AlgorithmStore& store, ports::AlgorithmQuery query) {
  std::string all;
  for (;;) {
    const auto page = store.list(query);
    REQUIRE(page);
    for (const auto& found : page->algorithms) all += found.name + " ";
    if (!page->next) return all;
    query.after = page->next;
  }
}

}  // namespace

TEST_CASE("algorithms outlive their service, beside the jobs in the same file") {
  const TempDir dir;
  const auto path = (dir.path() / "db").string();
  auto jobs = std::move(*store::open_sqlite_store(path));
  {
    auto store = std::move(*store::open_sqlite_algorithms(path));
    REQUIRE(store->add(algorithm("a")));
    CHECK(store->add(algorithm("a")).error().kind == Kind::conflict);
  }
  auto store = std::move(*store::open_sqlite_algorithms(path));
  const auto found = store->find("a");
  REQUIRE(found);
  CHECK(found->arn == "arn:a");
  CHECK(found->created == kStart);
  CHECK(found->tags == ports::Tags{{"team", "a"}});
  REQUIRE(store->remove("a"));
  CHECK(store->remove("a").error().kind == Kind::not_found);
  CHECK(store->find("a").error().kind == Kind::not_found);
}

TEST_CASE("algorithms are listed by age or by name, in pages, filtered") {
  auto store = std::move(*store::open_sqlite_algorithms(":memory:"));
  REQUIRE(store->add(algorithm("apple", seconds{1})));
  REQUIRE(store->add(algorithm("pear", seconds{3})));
  REQUIRE(store->add(algorithm("plum", seconds{2})));
  CHECK(names(*store, {.limit = 2}) == "pear plum apple ");
  CHECK(names(*store, {.ascending = false, .limit = 1}) == "apple plum pear ");
  CHECK(names(*store, {.by_name = true, .limit = 2}) == "apple pear plum ");
  CHECK(names(*store, {.name_contains = "p", .by_name = true, .ascending = false}) == "plum pear apple ");
  CHECK(names(*store, {.name_contains = "lu"}) == "plum ");
  CHECK(names(*store, {.created_after = kStart - seconds{3}, .created_before = kStart - seconds{1}}) == "plum ");
}

TEST_CASE("the tags of an algorithm become what is made of them, or stay") {
  auto store = std::move(*store::open_sqlite_algorithms(":memory:"));
  REQUIRE(store->add(algorithm("a")));
  const auto refused =
      store->change_tags("a", [](const ports::Tags&) -> Result<ports::Tags> { return fail(Kind::invalid, "no"); });
  CHECK(refused.error().message == "no");
  CHECK(store->find("a")->tags.size() == 1);
  const auto changed = store->change_tags("a", [](ports::Tags tags) -> Result<ports::Tags> {
    tags.emplace_back("x", "");
    return tags;
  });
  REQUIRE(changed);
  CHECK(store->find("a")->tags == *changed);
  const auto missing = store->change_tags("b", [](ports::Tags tags) -> Result<ports::Tags> { return tags; });
  CHECK(missing.error().kind == Kind::not_found);
}
