// The digests that AWS's protocols speak of: SHA-256 for signatures and bodies, MD5 for ETags and Content-MD5, and
// SHA-1, which a client may choose as the checksum of a body, and which signatures of version 2 are made with.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::aws {

using Sha256Bytes = std::array<unsigned char, 32>;
using Md5Bytes = std::array<unsigned char, 16>;
using Sha1Bytes = std::array<unsigned char, 20>;

// One pass over bytes that come in blocks. After finish() it is empty again and may be used for the next message.
template <class Bytes>
class Digest {
 public:
  Digest();
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;

  void update(std::string_view block);
  Bytes finish();
  std::string finish_hex();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

extern template class Digest<Sha256Bytes>;
extern template class Digest<Md5Bytes>;
extern template class Digest<Sha1Bytes>;
using Sha256 = Digest<Sha256Bytes>;
using Md5 = Digest<Md5Bytes>;
using Sha1 = Digest<Sha1Bytes>;

std::string sha256_hex(std::string_view bytes);
std::string md5_hex(std::string_view bytes);
Sha256Bytes hmac_sha256(std::string_view key, std::string_view message);
Sha1Bytes hmac_sha1(std::string_view key, std::string_view message);

// Lower case.
std::string to_hex(std::string_view bytes);
// For Content-MD5 and x-amz-checksum-sha256.
std::string to_base64(std::string_view bytes);
// Nothing where the text is not base64 with its padding.
std::optional<std::string> from_base64(std::string_view text);

template <std::size_t N>
std::string_view as_view(const std::array<unsigned char, N>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace holdfast::aws
