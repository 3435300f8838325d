// The hashes of checkpoint files and manifests: XXH3 with 128 bits. They find damage, not forgery.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::checkpoint {

// Of bytes in order, whole.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void add(std::string_view bytes);
  void reset();
  std::string digest() const;  // "xxh3:" and 32 hex digits
  std::array<unsigned char, 16> bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string hash_of(std::string_view bytes);

constexpr std::size_t kHashBlock = 1u << 20;

// The hash of a file, made block by block in any order and from several threads at once, so that it comes in ranges as
// it goes: of one block its XXH3 ("xxh3:" and 32 hex digits); of more, the XXH3 of theirs ("xxh3-1m:").
class FileHash {
 public:
  explicit FileHash(std::uint64_t size);
  // `bytes` begin at a multiple of kHashBlock and end at one, or at the end of the file; one thread for each block.
  // False: a block was added before, and was another then.
  bool add(std::uint64_t offset, std::string_view bytes);
  bool complete() const;       // every block has been added
  std::string digest() const;  // once complete
  std::uint64_t size() const { return size_; }
  // The hash of the first block, once it has been added: what begins otherwise is another file. 16 bytes.
  std::string first_block() const { return {blocks_.front().begin(), blocks_.front().end()}; }

 private:
  friend class HashRun;
  using Block = std::array<unsigned char, 16>;
  bool put(std::size_t index, const Block& digest);
  std::uint64_t size_;
  std::vector<Block> blocks_;
  std::vector<std::uint8_t> added_;
};

// Adds a range of a file to its hash, in pieces of any length, in order from a multiple of kHashBlock on.
class HashRun {
 public:
  HashRun(FileHash& hash, std::uint64_t offset);
  // False: as FileHash::add.
  bool add(std::string_view bytes);

 private:
  FileHash& hash_;
  std::uint64_t at_;
  Hasher block_;  // the one that is under way
  bool same_ = true;
};

std::string file_hash_of(std::string_view bytes);
// As digest() and file_hash_of() print it.
bool is_file_hash(std::string_view text);

}  // namespace holdfast::checkpoint
