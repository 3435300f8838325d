// The ledger: which generations exist under a checkpoint's prefix, and which of them a restore may use. It needs
// nothing of the store but atomic puts and lists. Names are relative to the ledger's folder; byte order is (fence,
// sequence) order.
//
//   ledger/<fence>-<sequence>.json   a manifest; sequence 0 is the opening entry of an attempt
//   ledger/<fence>-0.anew            that attempt's program was started without a generation
//   data/<fence>-<number>       contents of one file, written once, never changed
//   ledger/<fence>-<sequence>.verified    somebody read the generation whole and it was good, when this was put
//   quarantine/<fence>-<sequence>    why a generation is not to be used
//
// An attempt writes its opening before it restores: "I, fence F, go on from G". Older attempts see it before they say
// that something is committed. Before its program starts, a second entry says that it does: a generation of its own,
// which is G once more, or the mark "anew". From then on what older fences commit after G does not count, so a zombie
// can write whatever it likes. An attempt that has only opened may have died while it still chose: nothing hangs on
// what it says.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"

namespace holdfast::checkpoint {

// Below the prefix of a job's checkpoints: what a restore trusts, and there what these names are relative to.
constexpr std::string_view kOwnFolder = ".holdfast/";
constexpr std::string_view kLedgerFolder = "ledger/";

std::string manifest_name(GenerationId id);
std::optional<GenerationId> parse_manifest_name(std::string_view name);
std::string anew_name(Fence fence);
std::optional<Fence> parse_anew_name(std::string_view name);
std::string verified_name(GenerationId id);
std::optional<GenerationId> parse_verified_name(std::string_view name);
std::string quarantine_name(GenerationId id);
std::optional<GenerationId> parse_quarantine_name(std::string_view name);

struct DataObject {
  Fence fence;
  std::uint64_t number = 0;
  auto operator<=>(const DataObject&) const = default;
};
std::string data_name(DataObject object);
std::optional<DataObject> parse_data_name(std::string_view name);

struct Ledger {
  std::set<GenerationId> entries;  // all there are, openings too
  std::set<GenerationId> quarantined;
  std::set<GenerationId> verified;
  std::set<Fence> anew;  // whose programs were started without a generation
  // What an attempt went on from, as its opening says; no entry: the opening is missing or damaged.
  std::map<Fence, std::optional<GenerationId>> based_on;

  std::optional<Fence> newest_fence() const;
  bool has_generations_of(Fence fence) const;
  // The attempt's program, or it may have.
  bool has_started(Fence fence) const;
};

// What a restore may use, newest first: the generations of the newest attempt that has started, then those that it went
// on from, and so on back. Where an attempt's base is not known, everything older counts: losing the record must not
// lose progress.
std::vector<GenerationId> restore_order(const Ledger& ledger);

}  // namespace holdfast::checkpoint
