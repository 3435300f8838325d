#include "agent/object_reader.hpp"

#include "agent/checkpoint_world.hpp"
#include "support/gzipped.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

const ports::S3Location kObject{"bucket", "data/a"};

struct Read {
  World world;
  std::string text;
  int pauses = 0;
  std::size_t enough = std::string::npos;

  Result<bool> operator()() {
    ObjectReader reader(world.store, [this](int) {
      ++pauses;
      return true;
    });
    return reader.read(kObject, [this](std::string_view block) {
      text += block;
      return text.size() < enough;
    });
  }
  void put(const std::string& bytes) { REQUIRE(world.files->put_bytes("bucket", kObject.key, bytes)); }
};

}  // namespace

TEST_CASE("an object is read once, and its size is known") {
  Read read;
  const auto text = noise(3'000'000);
  read.put(text);
  CHECK(read().value());
  CHECK(read.text == text);
  CHECK(read.pauses == 0);
  CHECK(ObjectReader(read.world.store, nullptr).size(kObject).value() == text.size());
}

TEST_CASE("what came before an answer was lost is not given twice") {
  Read read;
  const auto text = noise(3'000'000);
  read.put(text);
  int losses = 2;
  read.world.store.after = [&](std::string_view, const std::string&) -> std::optional<Error> {
    if (losses-- > 0) return Error{Kind::try_again, "lost"};
    return std::nullopt;
  };
  CHECK(read().value());
  CHECK(read.text == text);
  CHECK(read.pauses == 2);
}

TEST_CASE("an object that another replaced between two tries is not mixed with it") {
  for (const std::string& other : {std::string("another"), std::string("first and longer"), std::string("fir")}) {
    Read read;
    read.put("first");
    read.world.store.after = [&](std::string_view, const std::string&) -> std::optional<Error> {
      if (read.pauses > 0) return std::nullopt;
      read.put(other);
      return Error{Kind::try_again, "lost"};
    };
    const auto done = read();
    if (other.starts_with("first")) {
      CHECK(read.text == other);  // one of the two it is
    } else {
      CHECK(done.error().kind == Kind::conflict);
      CHECK(read.text == "first");
    }
  }
}

TEST_CASE("whoever has enough is given no more, and the store stops") {
  Read read;
  read.put(noise(8'000'000));
  read.enough = 1;
  std::vector<std::string> asked;
  read.world.store.after = [&](std::string_view name, const std::string&) -> std::optional<Error> {
    asked.emplace_back(name);
    return std::nullopt;
  };
  CHECK_FALSE(read().value());
  CHECK(read.text.size() < 2'000'000);
  CHECK(asked == std::vector<std::string>{"get"});
}

TEST_CASE("a store that stays away, and an object that is not there, are told apart") {
  Read read;
  CHECK(read().error().kind == Kind::not_found);
  CHECK(read.pauses == 0);
  read.put("text");
  read.world.store.before = trouble("get", "data/a");
  CHECK(read().error().kind == Kind::try_again);
  CHECK(read.pauses == kReadAttempts - 1);
}
