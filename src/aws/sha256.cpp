#include "aws/sha256.hpp"

#include <openssl/evp.h>

#include <type_traits>

#include "base/ensure.hpp"

namespace holdfast::aws {

namespace {

// Fetched once: OpenSSL 3 looks an algorithm up by its name each time otherwise, which takes longer than a short
// digest.
const EVP_MD* algorithm(Sha256Bytes*) {
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return kSha256;
}
const EVP_MD* algorithm(Md5Bytes*) {
  static const EVP_MD* const kMd5 = EVP_MD_fetch(nullptr, "MD5", nullptr);
  return kMd5;
}
const EVP_MD* algorithm(Sha1Bytes*) {
  static const EVP_MD* const kSha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  return kSha1;
}

}  // namespace

template <class Bytes>
struct Digest<Bytes>::Context {
  EVP_MD_CTX* const evp = EVP_MD_CTX_new();

  Context() { begin(); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { EVP_MD_CTX_free(evp); }
  void begin() {
    const auto* md = algorithm(static_cast<Bytes*>(nullptr));
    ENSURE(evp && md && EVP_DigestInit_ex2(evp, md, nullptr) == 1, "OpenSSL has no such digest");
  }
};

template <class Bytes>
Digest<Bytes>::Digest() : context_(std::make_unique<Context>()) {}
template <class Bytes>
Digest<Bytes>::~Digest() = default;
template <class Bytes>
Digest<Bytes>::Digest(Digest&&) noexcept = default;
template <class Bytes>
Digest<Bytes>& Digest<Bytes>::operator=(Digest&&) noexcept = default;

template <class Bytes>
void Digest<Bytes>::update(std::string_view block) {
  ENSURE(EVP_DigestUpdate(context_->evp, block.data(), block.size()) == 1, "OpenSSL cannot digest");
}

template <class Bytes>
Bytes Digest<Bytes>::finish() {
  Bytes bytes{};
  ENSURE(EVP_DigestFinal_ex(context_->evp, bytes.data(), nullptr) == 1, "OpenSSL cannot digest");
  context_->begin();
  return bytes;
}

template <class Bytes>
std::string Digest<Bytes>::finish_hex() {
  return to_hex(as_view(finish()));
}

template class Digest<Sha256Bytes>;
template class Digest<Md5Bytes>;
template class Digest<Sha1Bytes>;

std::string sha256_hex(std::string_view bytes) {
  Sha256 digest;
  digest.update(bytes);
  return digest.finish_hex();
}

std::string md5_hex(std::string_view bytes) {
  Md5 digest;
  digest.update(bytes);
  return digest.finish_hex();
}

namespace {

// RFC 2104. By hand, since OpenSSL 3's HMAC spends most of a short message's time on finding its algorithm.
template <class Bytes>
Bytes hmac(std::string_view key, std::string_view message) {
  constexpr std::size_t kBlock = 64;
  Digest<Bytes> digest;
  std::array<char, kBlock> inner{};
  if (key.size() > kBlock) {
    digest.update(key);
    const auto shorter = digest.finish();
    as_view(shorter).copy(inner.data(), shorter.size());
  } else {
    key.copy(inner.data(), key.size());
  }
  auto outer = inner;
  for (auto& byte : inner) byte = static_cast<char>(byte ^ 0x36);
  for (auto& byte : outer) byte = static_cast<char>(byte ^ 0x5c);

  digest.update({inner.data(), inner.size()});
  digest.update(message);
  const auto inside = digest.finish();
  digest.update({outer.data(), outer.size()});
  digest.update(as_view(inside));
  return digest.finish();
}

}  // namespace

Sha256Bytes hmac_sha256(std::string_view key, std::string_view message) { return hmac<Sha256Bytes>(key, message); }
Sha1Bytes hmac_sha1(std::string_view key, std::string_view message) { return hmac<Sha1Bytes>(key, message); }

std::string to_hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

std::string to_base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3), '\0');
  // It writes a terminating zero behind the text, where a std::string has one anyway.
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (length < 0) return std::nullopt;
  // It counts the padding's zeros as bytes.
  const auto padding = text.ends_with("==") ? 2u : text.ends_with('=') ? 1u : 0u;
  bytes.resize(static_cast<std::size_t>(length) - padding);
  // Spaces at the ends and other liberties that it takes come out differently.
  if (to_base64(bytes) != text) return std::nullopt;
  return bytes;
}

}  // namespace holdfast::aws
