#include "checkpoint/ledger.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "base/random.hpp"
#include "checkpoint/hash.hpp"
#include "checkpoint/retention.hpp"

using namespace holdfast;
using namespace holdfast::checkpoint;

namespace {

GenerationId id(std::uint64_t fence, std::uint64_t sequence) { return {Fence{fence}, sequence}; }
using Ids = std::vector<GenerationId>;

// Attempt `fence` opens from `base` and commits `generations`, the first of which is the base once more, where there is
// one.
void attempt(Ledger& ledger, std::uint64_t fence, std::optional<GenerationId> base, std::uint64_t generations) {
  for (std::uint64_t i = 0; i <= generations; ++i) ledger.entries.insert(id(fence, i));
  ledger.based_on[Fence{fence}] = base;
}

Manifest manifest_of(GenerationId generation, std::initializer_list<DataObject> objects) {
  Manifest manifest{.job = "j", .id = generation, .created = {}, .based_on = {}, .files = {}};
  for (const auto& object : objects) {
    manifest.files.push_back({.path = fmt::format("f{}", manifest.files.size()), .object = data_name(object)});
  }
  return manifest;
}

}  // namespace

TEST_CASE("names sort as generations do, and have one spelling") {
  CHECK(manifest_name(id(26, 1)) == "ledger/000000000000001a-0000000000000001.json");
  CHECK(manifest_name(id(9, 999)) < manifest_name(id(10, 0)));
  CHECK(parse_manifest_name(manifest_name(id(~0ULL, 5))) == id(~0ULL, 5));
  CHECK(parse_quarantine_name(quarantine_name(id(1, 2))) == id(1, 2));
  CHECK(parse_data_name("data/0000000000000002-0000000000000007") == DataObject{Fence{2}, 7});
  CHECK(parse_anew_name(anew_name(Fence{26})) == Fence{26});
  CHECK_FALSE(parse_anew_name("ledger/000000000000001a-0000000000000001.anew"));
  CHECK_FALSE(parse_manifest_name(anew_name(Fence{26})));
  CHECK(anew_name(Fence{26}) < manifest_name(id(26, 1)));
  for (const auto* name :
       {"ledger/000000000000001A-0000000000000001.json", "ledger/1a-1.json",
        "ledger/000000000000001a-0000000000000001.jso", "ledger/000000000000001a_0000000000000001.json",
        "ledgerx000000000000001a-0000000000000001.json", ""}) {
    CHECK_FALSE(parse_manifest_name(name));
  }
}

TEST_CASE("an empty ledger offers nothing") {
  Ledger ledger;
  CHECK(restore_order(ledger).empty());
  CHECK_FALSE(ledger.newest_fence());
  attempt(ledger, 1, {}, 0);
  CHECK(restore_order(ledger).empty());
  CHECK(ledger.newest_fence() == Fence{1});
}

TEST_CASE("generations are offered newest first, across attempts") {
  Ledger ledger;
  attempt(ledger, 1, {}, 2);
  attempt(ledger, 4, id(1, 2), 2);
  CHECK(restore_order(ledger) == Ids{id(4, 2), id(4, 1), id(1, 2), id(1, 1)});
}

TEST_CASE("what a zombie commits after a newer attempt has opened does not count") {
  Ledger ledger;
  attempt(ledger, 1, {}, 2);
  attempt(ledger, 2, id(1, 2), 1);
  ledger.entries.insert({id(1, 3), id(1, 4)});
  CHECK(restore_order(ledger) == Ids{id(2, 1), id(1, 2), id(1, 1)});
  attempt(ledger, 3, id(2, 1), 1);
  ledger.entries.insert({id(1, 5), id(2, 2)});
  CHECK(restore_order(ledger) == Ids{id(3, 1), id(2, 1), id(1, 2), id(1, 1)});
}

TEST_CASE("an attempt that started from nothing leaves older ones behind") {
  Ledger ledger;
  attempt(ledger, 1, {}, 2);
  attempt(ledger, 2, std::nullopt, 0);
  ledger.anew.insert(Fence{2});
  CHECK(ledger.has_started(Fence{2}));
  CHECK(restore_order(ledger).empty());
}

TEST_CASE("an attempt that only opened hides nothing, whatever its opening says") {
  Ledger ledger;
  attempt(ledger, 1, {}, 2);
  for (const auto& base : {std::optional<GenerationId>{}, std::optional(id(1, 1))}) {
    attempt(ledger, 2, base, 0);
    CHECK_FALSE(ledger.has_started(Fence{2}));
    CHECK(restore_order(ledger) == Ids{id(1, 2), id(1, 1)});
  }
  // It came late, and its successor has gone on from something else.
  attempt(ledger, 3, id(1, 2), 1);
  ledger.anew.insert(Fence{2});
  CHECK(restore_order(ledger) == Ids{id(3, 1), id(1, 2), id(1, 1)});
  // Without its opening the mark says nothing: a clean-up has come so far.
  ledger.entries.erase(id(2, 0));
  ledger.entries.erase(id(3, 0));
  ledger.entries.erase(id(3, 1));
  CHECK(restore_order(ledger) == Ids{id(1, 2), id(1, 1)});
}

TEST_CASE("an attempt whose base is not known hides nothing older") {
  Ledger ledger;
  attempt(ledger, 1, {}, 1);
  attempt(ledger, 2, id(1, 1), 1);
  ledger.based_on.erase(Fence{2});
  CHECK(restore_order(ledger) == Ids{id(2, 1), id(1, 1)});
}

TEST_CASE("quarantined generations are passed over") {
  Ledger ledger;
  attempt(ledger, 1, {}, 3);
  ledger.quarantined.insert(id(1, 3));
  CHECK(restore_order(ledger) == Ids{id(1, 2), id(1, 1)});
}

TEST_CASE("a base that names a later attempt does not lead in a circle") {
  Ledger ledger;
  attempt(ledger, 1, id(2, 1), 1);
  attempt(ledger, 2, id(2, 1), 1);
  CHECK(restore_order(ledger) == Ids{id(2, 1), id(1, 1)});
}

namespace {

// A place as a clean-up finds it.
struct Place {
  Ledger ledger;
  std::map<GenerationId, Manifest> manifests;
  std::set<GenerationId> damaged;
  std::set<DataObject> data, in_use;

  void manifest(GenerationId generation, std::initializer_list<DataObject> objects) {
    manifests.insert({generation, manifest_of(generation, objects)});
  }
  void numbered(GenerationId generation, std::uint64_t number, std::map<std::string, double> metrics = {}) {
    const DataObject object{generation.fence, generation.sequence};
    auto made = manifest_of(generation, {object});
    made.number = number;
    made.metrics = std::move(metrics);
    manifests.insert({generation, std::move(made)});
    data.insert(object);
  }
  RetentionPlan clean_up(std::uint64_t own, std::size_t keep, std::optional<GenerationId> base = {}) const {
    return clean_up(own, RetentionPolicy{.keep = keep}, base);
  }
  RetentionPlan clean_up(std::uint64_t own, const RetentionPolicy& policy,
                         std::optional<GenerationId> base = {}) const {
    const auto read = [&](GenerationId generation) -> Result<std::optional<Manifest>> {
      if (damaged.contains(generation)) return std::optional<Manifest>{};
      const auto found = manifests.find(generation);
      if (found == manifests.end()) return fail(Kind::not_found, "it is gone");
      return std::optional{found->second};
    };
    auto kept = choose_kept(ledger, policy, base, data, read);
    REQUIRE(kept);
    return plan_retention({Fence{own}, ledger, std::move(*kept), data, in_use});
  }
};

}  // namespace

TEST_CASE("the newest generations stay, with their data, the base, and their openings") {
  Place place;
  attempt(place.ledger, 1, {}, 2);
  attempt(place.ledger, 2, id(1, 2), 0);
  attempt(place.ledger, 3, id(1, 2), 3);
  const DataObject shared{Fence{1}, 0}, old{Fence{1}, 1}, mid{Fence{3}, 0}, recent{Fence{3}, 1}, next{Fence{3}, 9};
  place.manifest(id(3, 3), {shared, recent});
  place.manifest(id(3, 2), {shared, mid});
  place.manifest(id(3, 1), {mid});
  place.manifest(id(1, 2), {shared});
  place.data = {shared, old, mid, recent, next, DataObject{Fence{4}, 0}};
  place.in_use = {next};
  const auto plan = place.clean_up(3, 2, id(1, 2));
  // The newer attempt's object is not ours to touch, the opening of the one that came to nothing is.
  CHECK(plan.entries == Ids{id(1, 1), id(3, 1), id(2, 0)});
  CHECK(plan.data == std::vector{old});
}

TEST_CASE("the mark that an attempt began anew goes with its opening") {
  Place place;
  attempt(place.ledger, 1, {}, 1);
  attempt(place.ledger, 2, {}, 1);
  attempt(place.ledger, 3, id(2, 1), 3);
  for (const auto& one : {id(1, 1), id(2, 1), id(3, 1), id(3, 2), id(3, 3)}) place.numbered(one, one.sequence);
  place.ledger.anew = {Fence{1}, Fence{2}, Fence{4}};
  auto plan = place.clean_up(3, 2, id(2, 1));
  CHECK(plan.entries == Ids{id(1, 1), id(3, 1), id(1, 0)});
  CHECK(plan.anew_marks == std::vector{Fence{1}});
  CHECK(names_of(plan)[1] == std::vector{anew_name(Fence{1})});
  // Also one whose opening is gone.
  place.ledger.entries.erase(id(1, 0));
  plan = place.clean_up(3, 2, id(2, 1));
  CHECK(plan.anew_marks == std::vector{Fence{1}});
}

TEST_CASE("generations of one content, committed again for want of an answer, take one place only") {
  Place place;
  attempt(place.ledger, 1, {}, 5);
  const DataObject first{Fence{1}, 0}, second{Fence{1}, 1}, third{Fence{1}, 2};
  for (const std::uint64_t sequence : {3, 4, 5}) place.manifest(id(1, sequence), {third});
  place.manifest(id(1, 2), {second});
  place.manifest(id(1, 1), {first});
  place.data = {first, second, third};
  const auto plan = place.clean_up(1, 2);
  CHECK(plan.entries == Ids{id(1, 1)});
  CHECK(plan.data == std::vector{first});
}

TEST_CASE("a generation whose contents are gone takes no place") {
  Place place;
  attempt(place.ledger, 1, {}, 3);
  // The second came late, when what it names had been cleaned away.
  for (const std::uint64_t sequence : {1, 2, 3}) place.manifest(id(1, sequence), {{Fence{1}, sequence}});
  place.data = {{Fence{1}, 1}, {Fence{1}, 3}};
  const auto plan = place.clean_up(1, 2);
  CHECK(plan.entries == Ids{id(1, 2)});
  CHECK(plan.data.empty());
}

TEST_CASE("a zombie's later commits go, and what they alone needed") {
  Place place;
  attempt(place.ledger, 1, {}, 4);
  attempt(place.ledger, 2, id(1, 1), 1);
  place.manifest(id(1, 1), {{Fence{1}, 0}});
  place.manifest(id(2, 1), {{Fence{1}, 0}});
  place.data = {{Fence{1}, 0}, {Fence{1}, 5}};
  const auto plan = place.clean_up(2, 2, id(1, 1));
  CHECK(plan.entries == Ids{id(1, 2), id(1, 3), id(1, 4)});
  CHECK(plan.data == std::vector{DataObject{Fence{1}, 5}});
}

TEST_CASE("damaged and quarantined generations do not count, and stay until those of their time go") {
  Place place;
  attempt(place.ledger, 1, {}, 6);
  place.ledger.quarantined = {id(1, 1), id(1, 4)};
  place.damaged = {id(1, 5)};
  place.manifest(id(1, 6), {{Fence{1}, 0}});
  place.manifest(id(1, 3), {});
  place.data = {{Fence{1}, 0}, {Fence{1}, 7}};
  const auto plan = place.clean_up(1, 2);
  CHECK(plan.entries == Ids{id(1, 1), id(1, 2)});
  CHECK(plan.quarantine_marks == Ids{id(1, 1)});
  CHECK(plan.data.empty());  // what the damaged one needs is not known
  place.damaged.clear();
  place.ledger.quarantined.insert(id(1, 5));
  CHECK(place.clean_up(1, 2).data == std::vector{DataObject{Fence{1}, 7}});
}

TEST_CASE("with nothing readable nothing goes") {
  Place place;
  attempt(place.ledger, 1, {}, 1);
  place.damaged = {id(1, 1)};
  place.data = {{Fence{1}, 0}};
  const auto plan = place.clean_up(1, 3);
  CHECK((plan.entries.empty() && plan.data.empty()));
}

TEST_CASE("each Nth generation of a job stays, counted over its attempts") {
  Place place;
  attempt(place.ledger, 1, {}, 4);
  for (const std::uint64_t n : {1, 2, 3, 4}) place.numbered(id(1, n), n);
  // Attempt 2 goes on from the fourth, which becomes its own first.
  attempt(place.ledger, 2, id(1, 4), 6);
  for (const std::uint64_t n : {1, 2, 3, 4, 5, 6}) place.numbered(id(2, n), n + 3);
  const auto plan = place.clean_up(2, RetentionPolicy{.keep = 2, .every = 2}, id(1, 4));
  // 8 and 9 are the newest; 2, 4 and 6 are each second; the other fourth, (1, 4), is what the attempt goes on from.
  CHECK(plan.entries == Ids{id(1, 1), id(1, 3), id(2, 2), id(2, 4)});
  CHECK(plan.data == std::vector{DataObject{Fence{1}, 1}, DataObject{Fence{1}, 3}, DataObject{Fence{2}, 2},
                                 DataObject{Fence{2}, 4}});
}

TEST_CASE("of one number one generation is enough, and those without a number go") {
  Place place;
  attempt(place.ledger, 1, {}, 2);
  place.numbered(id(1, 1), 0);
  place.numbered(id(1, 2), 2);
  attempt(place.ledger, 2, id(1, 2), 3);
  place.numbered(id(2, 1), 2);
  place.numbered(id(2, 2), 3);
  place.numbered(id(2, 3), 4);
  attempt(place.ledger, 3, id(2, 3), 2);
  place.numbered(id(3, 1), 4);
  place.numbered(id(3, 2), 5);
  CHECK(place.clean_up(3, RetentionPolicy{.keep = 2, .every = 2}).entries ==
        Ids{id(1, 1), id(1, 2), id(2, 2), id(2, 3), id(1, 0)});
}

TEST_CASE("the best generation by a metric stays, the newest of equals, also among the newest") {
  Place place;
  attempt(place.ledger, 1, {}, 6);
  place.numbered(id(1, 1), 1, {{"loss", 0.1}, {"acc", 0.1}});
  place.numbered(id(1, 2), 2, {{"loss", 0.5}, {"acc", 0.9}});
  place.numbered(id(1, 3), 3, {{"loss", 0.1}, {"acc", 0.2}});
  place.numbered(id(1, 4), 4);
  place.numbered(id(1, 5), 5, {{"loss", 0.7}, {"acc", 0.3}});
  place.numbered(id(1, 6), 6, {{"loss", 0.6}, {"acc", 0.95}});
  const auto with = [&](const char* best) {
    return place.clean_up(1, RetentionPolicy{.keep = 2, .every = 0, .best = parse_keep_best(best)}).entries;
  };
  CHECK(with("loss:min") == Ids{id(1, 1), id(1, 2), id(1, 4)});
  CHECK(with("acc:max") == Ids{id(1, 1), id(1, 2), id(1, 3), id(1, 4)});
  CHECK(with("unheard-of:max") == Ids{id(1, 1), id(1, 2), id(1, 3), id(1, 4)});
}

TEST_CASE("what is kept by number or by value does not keep the damaged ones of its time") {
  Place place;
  attempt(place.ledger, 1, {}, 6);
  for (const std::uint64_t n : {1, 2, 4, 5, 6}) place.numbered(id(1, n), n);
  place.damaged = {id(1, 3)};
  place.data.insert(DataObject{Fence{1}, 3});
  const auto plan = place.clean_up(1, RetentionPolicy{.keep = 2, .every = 2});
  CHECK(plan.entries == Ids{id(1, 1), id(1, 3)});
  CHECK(plan.data == std::vector{DataObject{Fence{1}, 1}, DataObject{Fence{1}, 3}});
}

TEST_CASE("the mark that a generation was verified goes with it") {
  Place place;
  attempt(place.ledger, 1, {}, 3);
  for (const std::uint64_t n : {1, 2, 3}) place.numbered(id(1, n), n);
  place.ledger.verified = {id(1, 1), id(1, 3)};
  const auto plan = place.clean_up(1, 2);
  CHECK(plan.verified_marks == Ids{id(1, 1)});
  using Names = std::vector<std::string>;
  CHECK(names_of(plan) == std::vector<Names>{Names{manifest_name(id(1, 1))}, Names{verified_name(id(1, 1))},
                                             Names{data_name({Fence{1}, 1})}});
  CHECK(parse_verified_name(verified_name(id(1, 1))) == id(1, 1));
  CHECK_FALSE(parse_manifest_name(verified_name(id(1, 1))));
}

TEST_CASE("a link that leads elsewhere is another content, as a file that does is") {
  Place place;
  attempt(place.ledger, 1, {}, 4);
  for (const std::uint64_t n : {1, 2, 3, 4}) place.numbered(id(1, n), n);
  for (const std::uint64_t n : {1, 2, 3, 4}) place.manifests[id(1, n)].files = place.manifests[id(1, 1)].files;
  CHECK(place.clean_up(1, 2).entries.empty());  // one content, however often it was committed
  place.manifests[id(1, 2)].links = {{"last", "a"}};
  place.manifests[id(1, 3)].links = place.manifests[id(1, 4)].links = {{"last", "b"}};
  CHECK(place.clean_up(1, 2).entries == Ids{id(1, 1)});
}

TEST_CASE("a metric and its better side are told apart at the last colon") {
  CHECK(parse_keep_best("loss:min") == KeepBest{"loss", false});
  CHECK(parse_keep_best("validation:accuracy:max") == KeepBest{"validation:accuracy", true});
  for (const char* none : {"", "loss", ":min", "loss:", "loss:maximum", "max"}) CHECK_FALSE(parse_keep_best(none));
}
