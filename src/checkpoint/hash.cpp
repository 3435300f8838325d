#include "checkpoint/hash.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

#include "base/ensure.hpp"

namespace holdfast::checkpoint {
namespace {

constexpr std::string_view kScheme = "xxh3:";
constexpr std::size_t kDigits = 32;

std::string print(XXH128_hash_t hash) { return fmt::format("{}{:016x}{:016x}", kScheme, hash.high64, hash.low64); }

}  // namespace

struct Hasher::State {
  XXH3_state_t* xxh = XXH3_createState();
  State() {
    ENSURE(xxh != nullptr, "no memory for a hash");
    XXH3_128bits_reset(xxh);
  }
  ~State() { XXH3_freeState(xxh); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Hasher::Hasher() : state_(std::make_unique<State>()) {}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::add(std::string_view bytes) { XXH3_128bits_update(state_->xxh, bytes.data(), bytes.size()); }

std::string Hasher::digest() const { return print(XXH3_128bits_digest(state_->xxh)); }

std::string hash_of(std::string_view bytes) { return print(XXH3_128bits(bytes.data(), bytes.size())); }

bool is_hash(std::string_view text) {
  return text.size() == kScheme.size() + kDigits && text.starts_with(kScheme) &&
         std::ranges::all_of(text.substr(kScheme.size()),
                             [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace holdfast::checkpoint
