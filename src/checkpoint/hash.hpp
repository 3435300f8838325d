// The hash of checkpoint files and manifests: XXH3 with 128 bits. It finds damage, not forgery.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace holdfast::checkpoint {

class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void add(std::string_view bytes);
  std::string digest() const;  // "xxh3:" and 32 hex digits

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string hash_of(std::string_view bytes);
bool is_hash(std::string_view text);

}  // namespace holdfast::checkpoint
