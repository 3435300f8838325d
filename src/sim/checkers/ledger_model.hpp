// The rule of which generation counts, as docs/checkpoints.md states it, written a second time and in another way than
// src/checkpoint/ledger.cpp: one walk down the attempts, from the newest.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "sim/history.hpp"

namespace holdfast::sim::checkers {

class LedgerModel {
 public:
  struct Entry {
    bool whole = true;
    bool spoilt = false;
    bool quarantined = false;
    std::optional<std::uint64_t> step;
    std::optional<GenerationId> based_on;  // its attempt, as its manifest says
  };
  using Choice = std::optional<GenerationId>;

  void store(const GenerationStored& stored);
  void spoil(const GenerationId& generation);
  void quarantine(const GenerationId& generation);
  void remove(const GenerationId& generation);
  void open(Fence fence, const Choice& based_on);
  void begin_anew(Fence fence) { attempts_[fence].anew = true; }

  const Entry* find(const GenerationId& generation) const;
  // Whether it holds for a generation of this attempt.
  bool any_of(Fence fence, const std::function<bool(const Entry&)>& holds) const;
  Fence newest_opened() const { return newest_opened_; }
  // What a restore by this attempt may choose now: one answer, or several where it hangs on which object of a damaged
  // attempt is the bad one. Entries of newer attempts are left out.
  std::vector<Choice> choices(Fence reader) const;

 private:
  struct Attempt {
    bool opening = false;  // it is there
    bool opening_readable = false;
    bool base_told = false;                      // by an opening
    bool anew = false;                           // its program was started without a generation
    Choice based_on;                             // as the last opening said
    std::map<std::uint64_t, Entry> generations;  // present ones, by sequence
  };
  void walk_on(Fence from, const Choice& base, Fence reader, std::vector<Choice>& out) const;
  void walk(Fence below_or_at, std::uint64_t sequence_up_to, Fence reader, std::vector<Choice>& out) const;

  std::map<Fence, Attempt> attempts_;
  Fence newest_opened_;
};

}  // namespace holdfast::sim::checkers
