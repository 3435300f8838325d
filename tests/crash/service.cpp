#include "crash/service.hpp"

#include <doctest/doctest.h>

#include "job/codec.hpp"
#include "store/sqlite_store.hpp"

namespace holdfast::testing {
namespace {

constexpr int kMaxTicks = 2000;

std::shared_ptr<job::JobSpec> spec_of(const std::string& name) {
  auto spec = std::make_shared<job::JobSpec>();
  spec->name = JobName{name};
  spec->arn = "arn:" + name;
  spec->instance_type = "ml.m5.large";
  spec->spot = true;
  spec->max_runtime = hours{1};
  spec->max_wait = hours{2};
  return spec;
}

std::unique_ptr<ports::JobStore> open_store(const std::string& database) {
  auto opened = store::open_sqlite_store(database);
  REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
  return std::move(*opened);
}

}  // namespace

Service::Service(const std::string& database, Outside& outside, CrashPoint crash_point)
    : outside_(outside),
      crash_point_(crash_point),
      database_(open_store(database)),
      store_(std::make_unique<PassingStore>(*database_, crash_point)),
      provider_(outside, crash_point, [this](const JobName& name, Fence fence) {
        const auto stored = store_->find(name);
        const auto* attempt = stored ? job::current_attempt(stored->job) : nullptr;
        return attempt != nullptr && attempt->fence == fence;
      }) {
  clock_.set(outside.now);
  engine_ = std::make_unique<engine::Engine>(clock_, *store_, provider_,
                                             [](const job::JobSpec&, Instant, Fence) { return std::string("{}"); });
  const auto recovered = engine_->recover();
  REQUIRE_MESSAGE(recovered, (recovered ? "" : recovered.error().message));
  provider_.on_event([this](ports::CapacityEvent event) { engine_->on_capacity_event(std::move(event)); });
  engine_->run_until_idle();
}

// Whoever is answered knows of everything that is committed by then.
void Service::acknowledge(const JobName& name) {
  crash_point_("before an answer");
  const auto stored = store_->find(name);
  REQUIRE(stored);
  outside_.acknowledged[name.value] = stored->job.version;
  ++outside_.acknowledgements;
  crash_point_("after an answer");
}

void Service::create(const std::vector<std::string>& names) {
  for (const auto& name : names) {
    engine_->create({spec_of(name), {"{\"x\":1}", {{"k", "v"}}}}, [this, name](const Result<void>& created) {
      REQUIRE(created);
      acknowledge(JobName{name});
    });
  }
  engine_->run_until_idle();
}

void Service::submit(const std::string& name, std::vector<job::Event> events) {
  engine_->submit(JobName{name}, std::move(events), [this, name](const Result<engine::Receipt>& receipt) {
    REQUIRE(receipt);
    acknowledge(JobName{name});
  });
  engine_->run_until_idle();
}

void Service::interrupt(const std::string& name) {
  engine_->interrupt(JobName{name}, seconds{30}, [](const Result<engine::Receipt>&) {});
  engine_->run_until_idle();
}

std::string Service::secondary_status(const std::string& name) {
  return to_string(job::secondary_status(store_->find(JobName{name})->job));
}

std::optional<Fence> Service::instance_of(const std::string& name) const {
  for (const auto& [fence, instance] : outside_.instances) {
    if (instance.job.value == name) return fence;
  }
  return std::nullopt;
}

void Service::tick() {
  outside_.now += seconds{1};
  clock_.set(outside_.now);
  // By fence, since instances come and go while their agents speak.
  std::vector<Fence> fences;
  for (const auto& [fence, instance] : outside_.instances) fences.push_back(fence);
  const auto find = [this](Fence fence) {
    const auto found = outside_.instances.find(fence);
    return found == outside_.instances.end() ? nullptr : &found->second;
  };
  for (const auto fence : fences) {
    auto* instance = find(fence);
    if (instance == nullptr) continue;
    const auto known = instance->told_to_stop ? engine::Order::stop : engine::Order::go_on;
    engine_->wait_for_order(instance->job, fence, known, [find, fence](engine::Order order) {
      auto* told = find(fence);
      if (told != nullptr && order == engine::Order::stop) told->told_to_stop = true;
    });
    if (instance->told_to_stop && !std::exchange(instance->stopping, true)) {
      instance->to_say.resize(instance->acknowledged);
      instance->to_say.emplace_back(job::AttemptEnded{fence, job::Outcome::stopped, ""});
    }
    if (instance->acknowledged == instance->to_say.size()) continue;
    const JobName name = instance->job;
    const auto said = instance->acknowledged + 1;
    engine_->submit(name, {instance->to_say[instance->acknowledged]},
                    [this, find, fence, name, said](const Result<engine::Receipt>& receipt) {
                      REQUIRE(receipt);
                      acknowledge(name);
                      if (auto* heard = find(fence)) heard->acknowledged = std::max(heard->acknowledged, said);
                    });
  }
  engine_->run_until_idle();
}

bool Service::all_is_over() {
  return outside_.instances.empty() && engine_->live_jobs() == 0 && store_->pending_effects()->empty();
}

void Service::run_to_the_end() {
  for (int i = 0; i < kMaxTicks && !all_is_over(); ++i) tick();
  REQUIRE_MESSAGE(all_is_over(), outside_.instances.size() << " instances and " << engine_->live_jobs()
                                                           << " jobs are left, after a time in which all must end");
  check_what_is_stored();
  for (const auto& [name, version] : outside_.acknowledged) CHECK(job::is_ended(store_->find(JobName{name})->job));
  for (const auto& [fence, job] : outside_.launched) {
    CHECK_MESSAGE((outside_.ended.contains(fence) || outside_.forgotten.contains(fence)),
                  "the instance of fence " << fence.value << " was never released");
  }
}

namespace {

struct Replayed {
  job::Job job;
  std::vector<job::Effect> effects;
};

Replayed replay(ports::JobStore& store, const job::Job& stored) {
  Replayed replayed{job::create(stored.spec, stored.created).job, {}};
  const auto history = store.history(stored.spec->name);
  REQUIRE(history);
  for (const auto& [at, text] : *history) {
    const auto event = job::decode_event(text);
    REQUIRE(event);
    auto decision = job::decide(replayed.job, *event, at);
    REQUIRE_MESSAGE(decision, "a stored event decides nothing: " << text);
    replayed.job = std::move(decision->job);
    for (const auto& effect : decision->effects) replayed.effects.push_back(effect);
  }
  return replayed;
}

std::pair<Fence, std::size_t> key_of(const job::Effect& effect) {
  return {std::visit([](const auto& what) { return what.fence; }, effect), effect.index()};
}

}  // namespace

void Service::check_what_is_stored() {
  std::set<std::pair<Fence, std::size_t>> pending, asked_for;
  const auto effects = store_->pending_effects();
  REQUIRE(effects);
  for (const auto& effect : *effects) pending.insert(key_of(effect.effect));

  std::set<std::string> live;
  const auto live_jobs = store_->live_jobs();
  REQUIRE(live_jobs);
  for (const auto& job : *live_jobs) live.insert(job.spec->name.value);

  ports::ListQuery everything;
  everything.limit = 100;
  const auto listed = store_->list(everything);
  REQUIRE(listed);
  std::set<std::string> names;
  for (const auto& summary : listed->jobs) {
    names.insert(summary.name.value);
    const auto stored = store_->find(summary.name);
    REQUIRE(stored);
    const auto replayed = replay(*store_, stored->job);
    CHECK_MESSAGE(job::encode_job(replayed.job) == job::encode_job(stored->job),
                  summary.name.value << ": the events lead to another state than the stored one");
    CHECK(replayed.job.version == stored->job.version);
    CHECK(live.contains(summary.name.value) == !job::is_ended(stored->job));
    CHECK(stored->origin.request == "{\"x\":1}");
    for (const auto& effect : replayed.effects) asked_for.insert(key_of(effect));
  }
  for (const auto& [name, version] : outside_.acknowledged) {
    REQUIRE_MESSAGE(names.contains(name), name << " was answered for and is not there");
    CHECK_MESSAGE(store_->find(JobName{name})->job.version >= version, name << " has forgotten what it was told");
  }
  for (const auto& key : pending) CHECK_MESSAGE(asked_for.contains(key), "an effect that no decision asked for");
  for (const auto& key : asked_for) {
    if (pending.contains(key)) continue;
    const bool happened =
        outside_.ended.contains(key.first) || outside_.forgotten.contains(key.first) ||
        (key.second == job::Effect{job::LaunchInstance{}}.index() && outside_.instances.contains(key.first));
    CHECK_MESSAGE(happened, "an effect of fence " << key.first.value << " is gone before it had an outcome");
  }
  const auto highest = store_->highest_fence();
  REQUIRE(highest);
  if (!outside_.launched.empty()) CHECK(*highest >= outside_.launched.rbegin()->first);
}

void play(Service& service, Outside& outside, int part) {
  const auto ticks = [&](int count) {
    for (int i = 0; i < count; ++i) service.tick();
  };
  switch (part) {
    case 0:  // two slots for three jobs; one is interrupted with a warning
      service.create({"a", "b"});
      service.create({"c"});
      ticks(2);
      service.interrupt("a");
      ticks(1);
      if (const auto fence = service.instance_of("a")) service.provider().reclaim(*fence);
      ticks(1);
      return;
    case 1:  // one that waits and one that trains are stopped; the next launch is refused
      outside.refuse_next = true;
      service.submit("b", {job::StopRequested{}});
      service.create({"d"});
      service.submit("c", {job::StopRequested{}});
      ticks(5);
      return;
    default:  // an instance vanishes without a word, and is missed
      if (const auto fence = service.instance_of("d")) {
        outside.instances.erase(*fence);
        outside.forgotten.insert(*fence);
      }
      ticks(25);
      return;
  }
}

}  // namespace holdfast::testing
