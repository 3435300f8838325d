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

// Attempt `fence` opens from `base` and commits `generations`.
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
  attempt(ledger, 2, id(1, 2), 0);
  ledger.entries.insert({id(1, 3), id(1, 4)});
  CHECK(restore_order(ledger) == Ids{id(1, 2), id(1, 1)});
  attempt(ledger, 3, id(1, 2), 1);
  ledger.entries.insert({id(1, 5), id(2, 1)});
  CHECK(restore_order(ledger) == Ids{id(3, 1), id(1, 2), id(1, 1)});
}

TEST_CASE("an attempt that started from nothing leaves older ones behind") {
  Ledger ledger;
  attempt(ledger, 1, {}, 2);
  attempt(ledger, 2, std::nullopt, 0);
  CHECK(restore_order(ledger).empty());
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

TEST_CASE("the newest generations stay, with their data, the base, and their openings") {
  RetentionInput input{.own = Fence{3},
                       .base = id(1, 2),
                       .keep = 2,
                       .ledger = {},
                       .manifests = {},
                       .damaged = {},
                       .data = {},
                       .in_use = {}};
  attempt(input.ledger, 1, {}, 2);
  attempt(input.ledger, 2, id(1, 2), 0);
  attempt(input.ledger, 3, id(1, 2), 3);
  const DataObject shared{Fence{1}, 0}, old{Fence{1}, 1}, mid{Fence{3}, 0}, recent{Fence{3}, 1}, next{Fence{3}, 9};
  input.manifests = {{id(3, 3), manifest_of(id(3, 3), {shared, recent})},
                     {id(3, 2), manifest_of(id(3, 2), {shared})},
                     {id(1, 2), manifest_of(id(1, 2), {shared})}};
  input.data = {shared, old, mid, recent, next, DataObject{Fence{4}, 0}};
  input.in_use = {next};
  const auto plan = plan_retention(input);
  // The newer attempt's object is not ours to touch, the opening of the one that came to nothing is.
  CHECK(plan.entries == Ids{id(1, 1), id(3, 1), id(2, 0)});
  CHECK(plan.data == std::vector{old, mid});
}

TEST_CASE("generations of one content, committed again for want of an answer, take one place only") {
  RetentionInput input{.own = Fence{1},
                       .base = {},
                       .keep = 2,
                       .ledger = {},
                       .manifests = {},
                       .damaged = {},
                       .data = {{Fence{1}, 0}, {Fence{1}, 1}, {Fence{1}, 2}},
                       .in_use = {}};
  attempt(input.ledger, 1, {}, 5);
  const DataObject first{Fence{1}, 0}, second{Fence{1}, 1}, third{Fence{1}, 2};
  for (const std::uint64_t sequence : {3, 4, 5}) {
    input.manifests.insert({id(1, sequence), manifest_of(id(1, sequence), {third})});
  }
  input.manifests.insert({id(1, 2), manifest_of(id(1, 2), {second})});
  input.manifests.insert({id(1, 1), manifest_of(id(1, 1), {first})});
  const auto plan = plan_retention(input);
  CHECK(plan.entries == Ids{id(1, 1)});
  CHECK(plan.data == std::vector{first});
}

TEST_CASE("a generation whose contents are gone takes no place") {
  RetentionInput input{.own = Fence{1},
                       .base = {},
                       .keep = 2,
                       .ledger = {},
                       .manifests = {},
                       .damaged = {},
                       .data = {{Fence{1}, 1}, {Fence{1}, 3}},
                       .in_use = {}};
  attempt(input.ledger, 1, {}, 3);
  // The second came late, when what it names had been cleaned away.
  for (const std::uint64_t sequence : {1, 2, 3}) {
    input.manifests.insert({id(1, sequence), manifest_of(id(1, sequence), {{Fence{1}, sequence}})});
  }
  const auto plan = plan_retention(input);
  CHECK(plan.entries == Ids{id(1, 2)});
  CHECK(plan.data.empty());
}

TEST_CASE("a zombie's later commits go, and what they alone needed") {
  RetentionInput input{.own = Fence{2},
                       .base = id(1, 1),
                       .keep = 2,
                       .ledger = {},
                       .manifests = {},
                       .damaged = {},
                       .data = {{Fence{1}, 0}, {Fence{1}, 5}},
                       .in_use = {}};
  attempt(input.ledger, 1, {}, 4);
  attempt(input.ledger, 2, id(1, 1), 0);
  input.manifests = {{id(1, 1), manifest_of(id(1, 1), {{Fence{1}, 0}})}};
  const auto plan = plan_retention(input);
  CHECK(plan.entries == Ids{id(1, 2), id(1, 3), id(1, 4)});
  CHECK(plan.data == std::vector{DataObject{Fence{1}, 5}});
}

TEST_CASE("damaged and quarantined generations do not count, and stay until those of their time go") {
  RetentionInput input{.own = Fence{1},
                       .base = {},
                       .keep = 2,
                       .ledger = {},
                       .manifests = {},
                       .damaged = {id(1, 5)},
                       .data = {{Fence{1}, 0}, {Fence{1}, 7}},
                       .in_use = {}};
  attempt(input.ledger, 1, {}, 6);
  input.ledger.quarantined = {id(1, 1), id(1, 4)};
  input.manifests = {{id(1, 6), manifest_of(id(1, 6), {{Fence{1}, 0}})}, {id(1, 3), manifest_of(id(1, 3), {})}};
  auto plan = plan_retention(input);
  CHECK(plan.entries == Ids{id(1, 1), id(1, 2)});
  CHECK(plan.quarantine_marks == Ids{id(1, 1)});
  CHECK(plan.data.empty());  // what the damaged one needs is not known
  input.damaged.clear();
  input.ledger.quarantined.insert(id(1, 5));
  CHECK(plan_retention(input).data == std::vector{DataObject{Fence{1}, 7}});
}

TEST_CASE("with nothing readable nothing goes") {
  RetentionInput input{.own = Fence{1},
                       .base = {},
                       .keep = 3,
                       .ledger = {},
                       .manifests = {},
                       .damaged = {id(1, 1)},
                       .data = {{Fence{1}, 0}},
                       .in_use = {}};
  attempt(input.ledger, 1, {}, 1);
  const auto plan = plan_retention(input);
  CHECK((plan.entries.empty() && plan.data.empty()));
}
