#include "checkpoint/hash.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

#include "base/ensure.hpp"

namespace holdfast::checkpoint {
namespace {

constexpr std::string_view kScheme = "xxh3:";
constexpr std::string_view kBlockScheme = "xxh3-1m:";
constexpr std::size_t kDigits = 32;

std::string print(std::string_view scheme, XXH128_hash_t hash) {
  return fmt::format("{}{:016x}{:016x}", scheme, hash.high64, hash.low64);
}

std::array<unsigned char, 16> canonical(XXH128_hash_t hash) {
  XXH128_canonical_t as_bytes;
  XXH128_canonicalFromHash(&as_bytes, hash);
  std::array<unsigned char, 16> block;
  std::ranges::copy(as_bytes.digest, block.begin());
  return block;
}

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

void Hasher::reset() { XXH3_128bits_reset(state_->xxh); }

std::string Hasher::digest() const { return print(kScheme, XXH3_128bits_digest(state_->xxh)); }

std::array<unsigned char, 16> Hasher::bytes() const { return canonical(XXH3_128bits_digest(state_->xxh)); }

std::string hash_of(std::string_view bytes) { return print(kScheme, XXH3_128bits(bytes.data(), bytes.size())); }

// ---- of files

FileHash::FileHash(std::uint64_t size)
    : size_(size), blocks_(std::max<std::uint64_t>((size + kHashBlock - 1) / kHashBlock, 1)), added_(blocks_.size()) {}

bool FileHash::put(std::size_t index, const Block& digest) {
  const bool same = added_[index] == 0 || blocks_[index] == digest;
  blocks_[index] = digest;
  added_[index] = 1;
  return same;
}

bool FileHash::add(std::uint64_t offset, std::string_view bytes) {
  ENSURE(offset % kHashBlock == 0 && offset + bytes.size() <= size_, "a block at {} of {}", offset, size_);
  bool same = true;
  auto i = static_cast<std::size_t>(offset / kHashBlock);
  do {
    const auto block = bytes.substr(0, kHashBlock);
    bytes.remove_prefix(block.size());
    same = put(i++, canonical(XXH3_128bits(block.data(), block.size()))) && same;
  } while (!bytes.empty());
  return same;
}

bool FileHash::complete() const {
  return std::ranges::all_of(added_, [](auto added) { return added != 0; });
}

std::string FileHash::digest() const {
  ENSURE(complete(), "the hash of a file that was not read whole");
  if (blocks_.size() > 1) return print(kBlockScheme, XXH3_128bits(blocks_.data(), blocks_.size() * sizeof(Block)));
  XXH128_canonical_t only;
  std::ranges::copy(blocks_.front(), only.digest);
  return print(kScheme, XXH128_hashFromCanonical(&only));
}

HashRun::HashRun(FileHash& hash, std::uint64_t offset) : hash_(hash), at_(offset) {
  ENSURE(offset % kHashBlock == 0 && offset <= hash.size(), "a run from {} of {}", offset, hash.size());
  if (hash.size() == 0) hash.add(0, {});
}

bool HashRun::add(std::string_view bytes) {
  ENSURE(at_ + bytes.size() <= hash_.size(), "{} bytes at {} of {}", bytes.size(), at_, hash_.size());
  while (!bytes.empty()) {
    const auto left = std::min<std::uint64_t>(kHashBlock - at_ % kHashBlock, hash_.size() - at_);
    const auto piece = bytes.substr(0, static_cast<std::size_t>(left));
    bytes.remove_prefix(piece.size());
    const bool begins = at_ % kHashBlock == 0;
    at_ += piece.size();
    if (begins && piece.size() == left) {
      same_ = hash_.add(at_ - piece.size(), piece) && same_;
      continue;
    }
    block_.add(piece);
    if (piece.size() < left) continue;
    same_ = hash_.put(static_cast<std::size_t>((at_ - 1) / kHashBlock), block_.bytes()) && same_;
    block_.reset();
  }
  return same_;
}

std::string file_hash_of(std::string_view bytes) {
  FileHash hash(bytes.size());
  hash.add(0, bytes);
  return hash.digest();
}

bool is_file_hash(std::string_view text) {
  const auto scheme = text.starts_with(kBlockScheme) ? kBlockScheme : kScheme;
  return text.size() == scheme.size() + kDigits && text.starts_with(scheme) &&
         std::ranges::all_of(text.substr(scheme.size()),
                             [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace holdfast::checkpoint
