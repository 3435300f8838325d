// What a list of a checkpoint's folder shows, a name in each line. A second word makes the named entry the opening of
// its attempt: what it went on from.
#include <map>

#include "checkpoint/ledger.hpp"
#include "fuzz/input.hpp"

namespace holdfast::fuzz {
namespace {

using namespace checkpoint;

void read_line(std::string_view line, Ledger& ledger) {
  Input words(reinterpret_cast<const std::uint8_t*>(line.data()), line.size());
  const auto name = words.until(' ');
  const auto entry = parse_manifest_name(name);
  const auto quarantined = parse_quarantine_name(name);
  const auto data = parse_data_name(name);
  const auto anew = parse_anew_name(name);
  ENSURE(entry.has_value() + quarantined.has_value() + data.has_value() + anew.has_value() <= 1, "'{}' is two things",
         name);
  // A name has one spelling, so byte order is the order of the numbers.
  if (entry) ENSURE(manifest_name(*entry) == name, "'{}' is another name", name);
  if (quarantined) ENSURE(quarantine_name(*quarantined) == name, "'{}' is another name", name);
  if (data) ENSURE(data_name(*data) == name, "'{}' is another name", name);
  if (anew) ENSURE(anew_name(*anew) == name, "'{}' is another name", name);
  if (entry) ledger.entries.insert(*entry);
  if (anew) ledger.anew.insert(*anew);
  if (quarantined) ledger.quarantined.insert(*quarantined);
  if (entry && !words.empty()) ledger.based_on[entry->fence] = parse_manifest_name(words.rest());
}

void check_order(const Ledger& ledger) {
  const auto order = restore_order(ledger);
  std::optional<GenerationId> previous;
  for (const auto& id : order) {
    ENSURE(!previous || id < *previous, "not the newest first");
    ENSURE(id.sequence > 0 && ledger.entries.contains(id), "no generation to restore");
    ENSURE(!ledger.quarantined.contains(id), "one that is not to be used");
    previous = id;
  }
  // The newest attempt's own generations always count.
  const auto newest = ledger.newest_fence();
  for (const auto& id : ledger.entries) {
    if (id.fence != newest || id.sequence == 0 || ledger.quarantined.contains(id)) continue;
    ENSURE(std::ranges::find(order, id) != order.end(), "a generation of the newest attempt is lost");
  }
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  fuzz::Input input(bytes, size);
  checkpoint::Ledger ledger;
  while (!input.empty()) fuzz::read_line(input.line(), ledger);
  fuzz::check_order(ledger);
  return 0;
}
