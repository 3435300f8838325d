#include "base/gunzip.hpp"

#include <optional>

#include "support/gzipped.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

// In pieces of `step` bytes; none: damaged.
std::optional<std::string> unzip(std::string_view bytes, std::size_t step) {
  Gunzip gunzip;
  std::string out;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
    const auto fed = gunzip.feed(bytes.substr(0, step), [&](std::string_view block) {
      out += block;
      return true;
    });
    if (!fed) {
      CHECK(fed.error().kind == Kind::invalid);
      return std::nullopt;
    }
    CHECK(*fed);
  }
  if (!gunzip.end()) return std::nullopt;
  return out;
}

}  // namespace

TEST_CASE("gzip comes out as it went in, however it is cut") {
  const auto text = noise(700'000) + std::string(2'000'000, 'a') + noise(10);
  const auto bytes = gzipped(text);
  for (std::size_t step : {std::size_t{7}, std::size_t{4096}, bytes.size()}) CHECK(unzip(bytes, step) == text);
  CHECK(unzip(gzipped(""), 100) == "");
}

TEST_CASE("files one behind the other are one") {
  for (std::size_t step : {1U, 3U, 1000U})
    CHECK(unzip(gzipped("one") + gzipped("") + gzipped("two"), step) == "onetwo");
}

TEST_CASE("what is damaged, cut off or no gzip is found out") {
  const auto bytes = gzipped(noise(10'000));
  auto damaged = bytes;
  damaged[5000] = static_cast<char>(damaged[5000] ^ 1);
  CHECK_FALSE(unzip(damaged, 100));
  for (std::size_t length : {std::size_t{0}, std::size_t{5}, bytes.size() / 2, bytes.size() - 1}) {
    CHECK_FALSE(unzip(bytes.substr(0, length), 100));
  }
  CHECK_FALSE(unzip("a,b\n1,2\n", 100));
  CHECK_FALSE(unzip(bytes + "more", 100));
}

TEST_CASE("a sink that wants no more gets no more") {
  Gunzip gunzip;
  int blocks = 0;
  const auto fed = gunzip.feed(gzipped(std::string(5'000'000, 'a')), [&](std::string_view) { return ++blocks < 2; });
  CHECK_FALSE(fed.value());
  CHECK(blocks == 2);
}
