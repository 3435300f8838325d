// A checkpoint's manifest as it lies in somebody's bucket. The body alone will do: its header, which holds the body's
// hash, is put before it.
#include "checkpoint/hash.hpp"
#include "checkpoint/ledger.hpp"
#include "checkpoint/manifest.hpp"
#include "checkpoint/paths.hpp"
#include "fuzz/input.hpp"

namespace holdfast::fuzz {
namespace {

void check_decoded(const checkpoint::Manifest& manifest) {
  const std::string* previous = nullptr;
  for (const auto& file : manifest.files) {
    ENSURE(checkpoint::is_safe_path(file.path), "'{}' leads elsewhere", file.path);
    ENSURE(!previous || *previous < file.path, "'{}' is out of order", file.path);
    ENSURE((file.mode & ~07777u) == 0, "mode {:o}", file.mode);
    const auto object = checkpoint::parse_data_name(file.object);
    ENSURE(object && object->fence <= manifest.id.fence, "'{}' is of a later attempt", file.object);
    previous = &file.path;
  }
  const auto encoded = checkpoint::encode(manifest);
  const auto again = checkpoint::decode(encoded);
  ENSURE(again, "{}", again.error().message);
  ENSURE(*again == manifest, "another manifest comes back");
  for (const std::size_t at : {std::size_t{0}, encoded.size() / 3, encoded.size() / 2, encoded.size() - 1}) {
    auto damaged = encoded;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    ENSURE(!checkpoint::decode(damaged), "byte {} is damaged and nobody noticed", at);
  }
  ENSURE(!checkpoint::decode(encoded.substr(0, encoded.size() - 1)), "the last byte is missing and nobody noticed");
}

void decode(std::string_view bytes) {
  const auto manifest = checkpoint::decode(bytes);
  if (manifest) return check_decoded(*manifest);
  ENSURE(manifest.error().kind == Kind::invalid, "{}", manifest.error().message);
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  const auto text = fuzz::Input(bytes, size).rest();
  fuzz::decode(text);
  fuzz::decode("holdfast-manifest 2 " + checkpoint::hash_of(text) + "\n" + std::string(text));
  return 0;
}
