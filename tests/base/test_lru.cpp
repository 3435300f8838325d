#include <doctest/doctest.h>

#include <string>

#include "base/lru.hpp"

using holdfast::Lru;

TEST_CASE("the entry not used for longest is forgotten first") {
  Lru<int, std::string> lru(2);
  lru.put(1, "one");
  lru.put(2, "two");
  CHECK(*lru.find(1) == "one");
  lru.put(3, "three");
  CHECK(lru.find(2) == nullptr);
  CHECK(*lru.find(1) == "one");
  CHECK(*lru.find(3) == "three");
  lru.put(3, "drei");
  CHECK(*lru.find(3) == "drei");
  CHECK(lru.size() == 2);
  lru.erase(3);
  lru.erase(3);
  CHECK(lru.find(3) == nullptr);
  CHECK(lru.size() == 1);
}
