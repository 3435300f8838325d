// What the checkpoint ledgers of a real service's jobs hold now.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "job/state.hpp"
#include "ports/object_store.hpp"

namespace holdfast::sim {

struct LedgerGeneration {
  Instant created;
  bool readable = true;  // its manifest
  bool whole = true;     // every file that it names is there, with its size (contents are not read)
  std::optional<GenerationId> based_on;
};
struct LedgerOpening {
  Instant created;
  std::optional<GenerationId> based_on;
};

struct LedgerPlace {
  std::map<GenerationId, LedgerGeneration> generations;
  std::map<Fence, LedgerOpening> openings;  // by the opening itself, or by the attempt's first generation
  std::set<Fence> anew;                     // attempts whose programs were started without a generation
  std::map<GenerationId, Instant> quarantined;
  bool empty() const { return generations.empty() && openings.empty(); }
};

// Empty where there is no bucket or no ledger.
Result<LedgerPlace> read_ledger(ports::ObjectStore& objects, const std::string& s3_uri);

}  // namespace holdfast::sim
