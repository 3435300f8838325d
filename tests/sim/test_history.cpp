// What a record looks like to people, and that it looks the same each time.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "sim/story.hpp"

using namespace holdfast;
using namespace holdfast::sim;
using namespace holdfast::sim::test;

namespace {
std::string line(What what) { return to_line({from_ms(12'345'006), std::move(what)}); }
const JobName kA{"a"};
}  // namespace

TEST_CASE("a record is one line with its time, its job, its fence and what matters") {
  CHECK(line(Accepted{kA, true, hours{1}, hours{2}, "s3://b/k", 3}) ==
        "12345.006 Accepted a spot max_runtime 3600000 max_wait 7200000 s3://b/k retries 3");
  CHECK(line(StopAcked{kA}) == "12345.006 StopAcked a");
  CHECK(line(Described{kA, "InProgress", "Training"}) == "12345.006 Described a InProgress Training");
  CHECK(line(LeaseBegan{Fence{7}, kA, InstanceId{"i-7"}, true, 3, 10}) ==
        "12345.006 LeaseBegan a fence 7 i-7 spot 3 of 10");
  CHECK(line(LeaseEnded{Fence{7}, kA, InstanceId{"i-7"}, LeaseEnded::Why::died}) ==
        "12345.006 LeaseEnded a fence 7 i-7 died");
  CHECK(line(ProgramBegan{kA, Fence{7}, {3, false}}) == "12345.006 ProgramBegan a fence 7 finds step 3");
  CHECK(line(ProgramBegan{kA, Fence{7}, {{}, true}}) == "12345.006 ProgramBegan a fence 7 finds no one step torn");
  CHECK(line(ProgramOver{kA, Fence{7}, ProgramOver::How::asked}) == "12345.006 ProgramOver a fence 7 asked");
  CHECK(line(GenerationStored{kA, Fence{7}, 2, false, 9, gen(6, 1)}) ==
        "12345.006 GenerationStored a 7-2 step 9 not whole from 6-1");
  CHECK(line(AttemptOpened{kA, Fence{7}, gen(6, 1)}) == "12345.006 AttemptOpened a fence 7 from 6-1");
  CHECK(line(AttemptOpened{kA, Fence{7}, {}, true}) == "12345.006 AttemptOpened a fence 7 from nothing late");
  CHECK(line(BeganAnew{kA, Fence{7}}) == "12345.006 BeganAnew a fence 7");
  CHECK(line(AttemptOpened{kA, Fence{7}, {}}) == "12345.006 AttemptOpened a fence 7 from nothing");
  CHECK(line(Quarantined{kA, Fence{7}, gen(6, 1)}) == "12345.006 Quarantined a by fence 7 6-1");
  CHECK(line(ServiceCrashed{"committing"}) == "12345.006 ServiceCrashed committing");
  CHECK(line(ClockJumped{-hours{1}}) == "12345.006 ClockJumped offset -3600000");
}

TEST_CASE("a decision's line has its version, its event, the service's time, and the state that came of it") {
  Story story = one_hour();
  const auto& decided = story.last<Decided>();
  CHECK(to_line({from_ms(1), decided}) ==
        fmt::format("0.001 Decided a v7 CheckpointSaved fence 1 1-2 at {} -> Training Training fence 1",
                    to_ms(decided.decided_at)));
}
