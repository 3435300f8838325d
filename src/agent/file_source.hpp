// A file of the checkpoint directory as what is put into a store: hashed as it is read, however often and in whatever
// order that is.
#pragma once

#include "agent/folder.hpp"
#include "checkpoint/hash.hpp"
#include "ports/object_store.hpp"

namespace holdfast::agent {

class HashingSource final : public ports::Source {
 public:
  // The file's first `size` bytes.
  HashingSource(OpenFile& file, std::uint64_t size) : file_(file), hash_(size) {
    if (size == 0) hash_.add(0, {});
  }
  std::uint64_t size() const override { return hash_.size(); }
  // Kind::conflict: the file has become shorter, or a block is another than it was when read before.
  Result<void> read(std::uint64_t offset, std::span<char> into) override;
  // Once everything was read.
  const checkpoint::FileHash& hash() const { return hash_; }

 private:
  OpenFile& file_;
  checkpoint::FileHash hash_;
};

}  // namespace holdfast::agent
