// The agent's side of the process that shows FastFile channels; shell scripts stand for it.
#include "agent/fast_files.hpp"

#include <doctest/doctest.h>

#include <future>

#include "support/temp_dir.hpp"

using namespace holdfast;
using namespace holdfast::agent;
using holdfast::testing::TempDir;

namespace {

constexpr const char* kMounted = R"(echo '{"mounted":true}' >&3; )";
// Shows whatever it is told to, and has something to say about it.
constexpr const char* kShows =
    R"(while read -r line <&3; do case "$line" in
         *'"channel"'*) echo '{"note":"a channel"}' >&3;;
         *'"files"'*) echo '{"shown":"train"}' >&3;;
       esac; done; echo '{"note":"the end"}' >&3)";

struct World {
  Result<std::unique_ptr<FastFiles>> start(const std::string& script) {
    return FastFiles::start(
        {"/bin/sh", "-c", script}, dir.path(), [this](const std::string& line) { notes.push_back(line); },
        [this] { woken.set_value(); });
  }

  TempDir dir;
  std::vector<std::string> notes;  // read when nobody writes any more
  std::promise<void> woken;
};

const ChannelListing kListing{"bucket", "data/", {{"a", 1, "etag", from_ms(1)}}};

}  // namespace

TEST_CASE("channels are shown, and what there is to say about them is heard to the last word") {
  World world;
  {
    auto files = world.start(std::string(kMounted) + kShows);
    REQUIRE_MESSAGE(files, (files ? "" : files.error().message));
    const auto shown = (*files)->show("train", kListing);
    CHECK_MESSAGE(shown, (shown ? "" : shown.error().message));
    CHECK((*files)->folder_of("train") == world.dir / "fast-files" / "channels" / "train");
    CHECK((*files)->trouble() == std::nullopt);
  }
  CHECK(world.notes == std::vector<std::string>{"a channel", "the end"});
}

TEST_CASE("a machine that cannot show files says why") {
  World world;
  CHECK(world.start(R"(echo '{"refused":"there is no FUSE","users":false}' >&3; read -r line <&3)").error().message ==
        "there is no FUSE");
  World ends;
  CHECK(ends.start("exit 7").error().message.find("has ended") != std::string::npos);
  World missing;
  CHECK_FALSE(FastFiles::start({"/nowhere/holdfast"}, missing.dir.path(), {}, [] {}).has_value());
}

TEST_CASE("a channel that is refused is the user's mistake where the process says so") {
  World world;
  auto files = world.start(std::string(kMounted) +
                           R"(while read -r line <&3; do case "$line" in
                                *'"files"'*) echo '{"refused":"twice the same","users":true}' >&3;;
                              esac; done)");
  REQUIRE(files);
  for (int i = 0; i < 2; ++i) {
    const auto shown = (*files)->show("train", kListing);
    CHECK(shown.error().kind == Kind::invalid);
    CHECK(shown.error().message == "twice the same");
  }
  CHECK((*files)->trouble() == std::nullopt);
}

TEST_CASE("its death is trouble, and wakes the agent; its end on our word is not") {
  World dies;
  auto dead = dies.start(std::string(kMounted) + "read -r line <&3; kill -9 $$");
  REQUIRE(dead);
  CHECK_FALSE((*dead)->show("train", kListing).has_value());
  dies.woken.get_future().get();
  REQUIRE((*dead)->trouble());
  CHECK((*dead)->trouble()->message.find("has ended") != std::string::npos);

  World ends;
  auto asked = ends.start(std::string(kMounted) + kShows);
  REQUIRE(asked);
  (*asked)->let_go();
  asked->reset();
  CHECK(ends.notes == std::vector<std::string>{"the end"});
  CHECK(ends.woken.get_future().wait_for(milliseconds{0}) == std::future_status::timeout);
}
