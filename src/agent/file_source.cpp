#include "agent/file_source.hpp"

namespace holdfast::agent {

static_assert(ports::kSourceBlock == checkpoint::kHashBlock, "what a store reads is what is hashed");

Result<void> HashingSource::read(std::uint64_t offset, std::span<char> into) {
  if (auto read = file_.read(offset, into); !read) return read;
  if (!hash_.add(offset, {into.data(), into.size()})) return fail(Kind::conflict, "the file is being changed");
  return {};
}

}  // namespace holdfast::agent
