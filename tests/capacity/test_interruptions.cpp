#include "capacity/provider_fixture.hpp"

using namespace holdfast;
using namespace holdfast::capacity;

namespace {

market::Market trace(const std::string& data, const std::string& notice) {
  return *market::parse_market("trace:t,notice=" + notice, TestClock{}.now(), [&](const std::string&) {
    return Result<std::string>{R"({"metadata": {"gap_seconds": 3600}, "data": )" + data + "}"};
  });
}

}  // namespace

TEST_CASE("an interruption with notice tells the agent and us, and kills at the deadline") {
  Fixture local;
  local.start();
  const auto process = local.launch(1);
  REQUIRE(local.provider->interrupt(Fence{1}, minutes{2}));
  const auto notices = local.events->wait<ports::ReclaimNotice>(Fence{1});
  REQUIRE(notices.size() == 1);
  const Instant deadline = local.clock.now() + minutes{2};
  CHECK(notices[0].deadline == deadline);
  CHECK(read_file(local.dir(1) / "notice.json", 1000) ==
        fmt::format(R"({{"deadline_ms":{},"reason":"spot interruption"}})", to_ms(deadline)));
  local.clock.advance(minutes{2} - milliseconds{1});
  local.nudge();
  CHECK(runs(process));
  CHECK(local.provider->list()->size() == 1);

  local.clock.advance(milliseconds{1});
  local.nudge();
  const auto gone = local.gone(1);
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].reclaimed);
  CHECK(gone[0].why == "it was reclaimed");
  CHECK_FALSE(runs(process));
}

TEST_CASE("a deadline is met without anybody asking") {
  Fixture local;
  SystemClock clock;
  Events events;
  const auto provider = *LocalProvider::open(local.options, clock);
  provider->on_event([&](ports::CapacityEvent event) { events.add(std::move(event)); });
  provider->launch(Fixture::request(1));
  REQUIRE(events.wait<ports::InstanceUp>(Fence{1}).size() == 1);
  REQUIRE(provider->interrupt(Fence{1}, milliseconds{30}));
  const auto gone = events.wait<ports::InstanceGone>(Fence{1});
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].reclaimed);
}

TEST_CASE("an interruption without notice kills at once") {
  Fixture local;
  local.start();
  local.launch(1);
  REQUIRE(local.provider->interrupt(Fence{1}, Duration::zero()));
  const auto gone = local.gone(1);
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].reclaimed);
  CHECK(local.events->count<ports::ReclaimNotice>() == 0);
}

TEST_CASE("an agent that uses its notice and ends by itself was reclaimed") {
  Fixture local;
  local.agent("while [ ! -e \"$2/notice.json\" ]; do sleep 0.01; done");
  local.start();
  local.launch(1);
  REQUIRE(local.provider->interrupt(Fence{1}, hours{1}));
  const auto gone = local.gone(1);
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].reclaimed);
  CHECK(gone[0].why == "its agent ended after the notice");
}

TEST_CASE("an agent whose notice cannot be written is told by a signal") {
  Fixture local;
  // Stands for a full disk.
  local.agent("mkdir \"$2/notice.json\"; trap 'exit 0' TERM; echo ready > \"$2/ready\"; while :; do sleep 0.01; done");
  local.start();
  local.launch(1);
  REQUIRE(eventually([&] { return fs::exists(local.dir(1) / "ready"); }));
  REQUIRE(local.provider->interrupt(Fence{1}, hours{1}));
  const auto gone = local.gone(1);
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].reclaimed);
  CHECK(gone[0].why == "its agent ended after the notice");
}

TEST_CASE("a second notice changes nothing, an interruption without notice overtakes the first") {
  Fixture local;
  local.start();
  local.launch(1);
  REQUIRE(local.provider->interrupt(Fence{1}, hours{2}));
  REQUIRE(local.provider->interrupt(Fence{1}, hours{1}));
  local.nudge();
  CHECK(local.events->count<ports::ReclaimNotice>() == 1);
  local.clock.advance(hours{1});
  local.nudge();
  CHECK(local.provider->list()->size() == 1);
  REQUIRE(local.provider->interrupt(Fence{1}, Duration::zero()));
  CHECK(local.gone(1).size() == 1);
}

TEST_CASE("an instance that does not exist cannot be interrupted, nor any with a senseless notice") {
  Fixture local;
  local.start();
  CHECK(local.provider->interrupt(Fence{1}, Duration::zero()).error().kind == Kind::not_found);
  local.launch(1);
  CHECK(local.provider->interrupt(Fence{1}, seconds{-1}).error().kind == Kind::invalid);
  CHECK(local.provider->interrupt(Fence{1}, hours{1000}).error().kind == Kind::invalid);
}

TEST_CASE("when the market closes, spot instances get its notice and on-demand instances stay") {
  Fixture local;
  local.options.market = trace("[1, 0, 0, 1]", "120");
  local.start();
  local.launch(1, true);
  local.launch(2, false);
  local.clock.advance(hours{1});
  CHECK(local.free_slots(true) == 0);
  local.nudge();
  REQUIRE(local.events->wait<ports::ReclaimNotice>(Fence{1}).size() == 1);
  CHECK(local.events->count<ports::CapacityChanged>() == 1);
  local.provider->launch(Fixture::request(3));
  CHECK(local.events->wait<ports::LaunchRefused>(Fence{3})[0].why == "the spot market is closed");
  local.clock.advance(seconds{120});
  local.nudge();
  CHECK(local.gone(1)[0].reclaimed);
  CHECK(local.provider->list()->size() == 1);
  CHECK(local.events->count<ports::ReclaimNotice>() == 1);

  local.clock.advance(hours{2});
  local.nudge();
  CHECK(local.free_slots(true) == 4);
  CHECK(local.events->count<ports::CapacityChanged>() == 3);
  local.launch(4, true);
}

TEST_CASE("a market without notice takes spot instances at once") {
  Fixture local;
  local.options.market = trace("[1, 0]", "0");
  local.start();
  local.launch(1);
  local.clock.advance(hours{1});
  local.nudge();
  CHECK(local.gone(1)[0].reclaimed);
  CHECK(local.events->count<ports::ReclaimNotice>() == 0);
}
