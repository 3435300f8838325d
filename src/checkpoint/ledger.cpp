#include "checkpoint/ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace holdfast::checkpoint {
namespace {

constexpr std::size_t kDigits = 16;

std::string print(std::string_view folder, std::uint64_t fence, std::uint64_t number, std::string_view end) {
  return fmt::format("{}/{:016x}-{:016x}{}", folder, fence, number, end);
}

// Exactly 16 lower-case digits: a name has one spelling only.
std::optional<std::uint64_t> parse_hex(std::string_view text) {
  if (text.size() != kDigits) return std::nullopt;
  if (!std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); })) {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> parse(std::string_view name, std::string_view folder,
                                                             std::string_view end) {
  const auto length = folder.size() + 1 + kDigits + 1 + kDigits + end.size();
  if (name.size() != length || !name.starts_with(folder) || !name.ends_with(end)) return std::nullopt;
  name.remove_prefix(folder.size());
  if (name[0] != '/' || name[1 + kDigits] != '-') return std::nullopt;
  const auto first = parse_hex(name.substr(1, kDigits));
  const auto second = parse_hex(name.substr(2 + kDigits, kDigits));
  if (!first || !second) return std::nullopt;
  return std::pair{*first, *second};
}

std::optional<GenerationId> parse_generation(std::string_view name, std::string_view folder, std::string_view end) {
  const auto numbers = parse(name, folder, end);
  if (!numbers) return std::nullopt;
  return GenerationId{Fence{numbers->first}, numbers->second};
}

}  // namespace

std::string manifest_name(GenerationId id) { return print("ledger", id.fence.value, id.sequence, ".json"); }
std::optional<GenerationId> parse_manifest_name(std::string_view name) {
  return parse_generation(name, "ledger", ".json");
}

std::string anew_name(Fence fence) { return print("ledger", fence.value, 0, ".anew"); }
std::optional<Fence> parse_anew_name(std::string_view name) {
  const auto id = parse_generation(name, "ledger", ".anew");
  return id && id->sequence == 0 ? std::optional(id->fence) : std::nullopt;
}

std::string verified_name(GenerationId id) { return print("ledger", id.fence.value, id.sequence, ".verified"); }
std::optional<GenerationId> parse_verified_name(std::string_view name) {
  return parse_generation(name, "ledger", ".verified");
}

std::string quarantine_name(GenerationId id) { return print("quarantine", id.fence.value, id.sequence, ""); }
std::optional<GenerationId> parse_quarantine_name(std::string_view name) {
  return parse_generation(name, "quarantine", "");
}

std::string data_name(DataObject object) { return print("data", object.fence.value, object.number, ""); }
std::optional<DataObject> parse_data_name(std::string_view name) {
  const auto numbers = parse(name, "data", "");
  if (!numbers) return std::nullopt;
  return DataObject{Fence{numbers->first}, numbers->second};
}

std::optional<Fence> Ledger::newest_fence() const {
  if (entries.empty()) return std::nullopt;
  return entries.rbegin()->fence;
}

bool Ledger::has_generations_of(Fence fence) const {
  const auto first = entries.upper_bound({fence, 0});
  return first != entries.end() && first->fence == fence;
}

bool Ledger::has_started(Fence fence) const { return anew.contains(fence) || has_generations_of(fence); }

std::vector<GenerationId> restore_order(const Ledger& ledger) {
  std::vector<GenerationId> order;
  auto next = ledger.entries.end();  // what lies before it is still in question; the walk only ever goes down
  while (next != ledger.entries.begin()) {
    const auto fence = std::prev(next)->fence;
    while (next != ledger.entries.begin() && std::prev(next)->fence == fence) {
      const auto id = *--next;
      if (id.sequence > 0 && !ledger.quarantined.contains(id)) order.push_back(id);
    }
    if (!ledger.has_started(fence)) continue;
    const auto base = ledger.based_on.find(fence);
    if (base == ledger.based_on.end()) continue;
    if (!base->second) return order;
    if (base->second->fence < fence) next = ledger.entries.upper_bound(*base->second);
  }
  return order;
}

}  // namespace holdfast::checkpoint
