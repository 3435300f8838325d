#include "sim/story.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <stdexcept>

#include "job/decide.hpp"

namespace holdfast::sim::test {

namespace {

const Instant kStart = from_ms(1'700'000'000'000);

InstanceId instance_of(std::uint64_t fence, const std::string& instance) {
  return InstanceId{instance.empty() ? fmt::format("i-{}", fence) : instance};
}

}  // namespace

GenerationId gen(std::uint64_t fence, std::uint64_t sequence) { return {Fence{fence}, sequence}; }

Story::Story() : now_(kStart) { tell(ServiceStarted{}); }

Story& Story::wait(Duration duration) {
  now_ += duration;
  return *this;
}

Story& Story::set_clock(Duration offset) {
  offset_ = offset;
  return tell(ClockJumped{offset});
}

Story& Story::tell(What what) {
  records.push_back({now_, std::move(what)});
  return *this;
}

void Story::decided(const std::string& name, std::optional<job::Event> event, job::Job after) {
  auto stored = std::make_shared<const job::Job>(std::move(after));
  jobs[JobName{name}] = stored;
  tell(Decided{JobName{name}, stored->version, std::move(event), now_ + offset_, stored});
}

Story& Story::decide(const std::string& name, const job::Event& event) {
  auto decision = job::decide(job(name), event, now_ + offset_);
  if (!decision) throw std::logic_error(fmt::format("{} was ignored: {}", event_name(event), decision.error().why));
  decided(name, event, std::move(decision->job));
  return *this;
}

Story& Story::create(const std::string& name, const JobOptions& options) {
  auto spec = std::make_shared<job::JobSpec>();
  spec->name = JobName{name};
  spec->spot = options.spot;
  spec->max_runtime = options.max_runtime;
  if (options.spot) spec->max_wait = options.max_wait;
  if (!options.checkpoint.empty()) spec->checkpoint = job::Checkpoint{options.checkpoint};
  spec->max_retries = options.max_retries;
  decided(name, std::nullopt, job::create(spec, now_ + offset_).job);
  return tell(Accepted{JobName{name}, spec->spot, spec->max_runtime, spec->max_wait,
                       options.checkpoint.empty() ? std::nullopt : std::optional(options.checkpoint),
                       spec->max_retries});
}

Story& Story::lease_begins(const std::string& name, std::uint64_t fence, const std::string& instance) {
  const bool spot = job(name).spec->spot;
  return tell(
      LeaseBegan{Fence{fence}, JobName{name}, instance_of(fence, instance), spot, spot ? 30'000 : 100'000, 100'000});
}

Story& Story::lease_ends(const std::string& name, std::uint64_t fence, LeaseEnded::Why why,
                         const std::string& instance) {
  return tell(LeaseEnded{Fence{fence}, JobName{name}, instance_of(fence, instance), why});
}

Story& Story::lease(const std::string& name, std::uint64_t fence) {
  const bool spot = job(name).spec->spot;
  decide(name,
         job::Placed{Fence{fence}, {PoolId{"pool"}, "ml.m5.large", "zone", spot, spot ? 30'000 : 100'000, 100'000}});
  wait(seconds{1}).lease_begins(name, fence).wait(seconds{9});
  decide(name, job::InstanceUp{Fence{fence}, instance_of(fence, {})});
  return wait(seconds{1}).decide(name, job::AgentStarted{Fence{fence}});
}

Story& Story::open(const std::string& name, std::uint64_t fence, std::optional<GenerationId> from) {
  bases_[fence] = from;
  return tell(AttemptOpened{JobName{name}, Fence{fence}, from}).wait(seconds{2});
}

Story& Story::program(const std::string& name, std::uint64_t fence, std::optional<GenerationId> from,
                      std::uint64_t step) {
  tell(Restored{JobName{name}, Fence{fence}, from});
  tell(ProgramBegan{JobName{name}, Fence{fence}, {step, false}});
  return decide(name, job::ProgramStarted{Fence{fence}, from});
}

Story& Story::begin(const std::string& name, std::uint64_t fence, std::optional<GenerationId> from,
                    std::uint64_t step) {
  return open(name, fence, from).program(name, fence, from, step);
}

Story& Story::store(const std::string& name, std::uint64_t fence, std::uint64_t sequence, std::uint64_t step) {
  tell(ProgramSaved{JobName{name}, Fence{fence}, step}).wait(seconds{1});
  return tell(GenerationStored{JobName{name}, Fence{fence}, sequence, true, step, bases_[fence]});
}

Story& Story::save(const std::string& name, std::uint64_t fence, std::uint64_t sequence, std::uint64_t step) {
  store(name, fence, sequence, step).wait(seconds{1});
  return decide(name, job::CheckpointSaved{Fence{fence}, gen(fence, sequence)});
}

Story& Story::lose(const std::string& name, std::uint64_t fence) {
  tell(ReclaimAnnounced{Fence{fence}, JobName{name}, now_ + offset_});
  lease_ends(name, fence, LeaseEnded::Why::reclaimed);
  tell(ProgramOver{JobName{name}, Fence{fence}, ProgramOver::How::with_instance}).wait(seconds{1});
  return decide(name, job::InstanceGone{Fence{fence}, true, "it was reclaimed"});
}

Story& Story::finish(const std::string& name, std::uint64_t fence) {
  tell(ProgramOver{JobName{name}, Fence{fence}, ProgramOver::How::finished});
  decide(name, job::ProgramEnded{Fence{fence}}).wait(seconds{5});
  decide(name, job::AttemptEnded{Fence{fence}, job::Outcome::succeeded, ""}).wait(seconds{1});
  return lease_ends(name, fence, LeaseEnded::Why::released);
}

Story& Story::describe(const std::string& name) {
  return tell(
      Described{JobName{name}, to_string(primary_status(job(name))), to_string(secondary_status(job(name))), now_});
}

Story& Story::stop(const std::string& name) {
  decide(name, job::StopRequested{});
  return tell(StopAcked{JobName{name}});
}

Story& Story::bend(const std::function<void(job::Job&)>& change) {
  auto& decided = last<Decided>();
  auto bent = *decided.after;
  change(bent);
  decided.after = std::make_shared<const job::Job>(std::move(bent));
  jobs[decided.job] = decided.after;
  return *this;
}

Story& Story::drop_last() {
  records.pop_back();
  return *this;
}

Story one_hour(const std::string& job) {
  Story story;
  story.create(job).wait(seconds{1}).lease(job, 1).begin(job, 1);
  story.wait(minutes{30}).save(job, 1, 1, 10).wait(minutes{30}).save(job, 1, 2, 20);
  return story;
}

std::vector<std::string> judge(const Story& story) {
  Judges judges;
  for (const auto& record : story.records) judges.record(record);
  Ending ending{story.now(), story.complete, {}};
  for (const auto& [name, stored] : story.jobs) ending.jobs.push_back({name, stored});
  std::vector<std::string> said;
  for (const auto& violation : judges.finish(ending)) said.push_back(violation.property + ": " + violation.what);
  return said;
}

bool holds(const Story& story) {
  const auto said = judge(story);
  for (const auto& line : said) MESSAGE(line);
  return said.empty();
}

bool catches(const Story& story, const std::string& property, const std::string& words) {
  const auto said = judge(story);
  for (const auto& line : said) {
    if (line.starts_with(property + ": ") && line.find(words) != std::string::npos) return true;
  }
  for (const auto& line : said) MESSAGE(line);
  return false;
}

}  // namespace holdfast::sim::test
