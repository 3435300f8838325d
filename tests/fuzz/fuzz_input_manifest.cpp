// The lists that a channel may name: a ManifestFile, and after a first line of attributes an AugmentedManifestFile.
#include "agent/input_manifest.hpp"

#include "checkpoint/paths.hpp"
#include "fuzz/input.hpp"

namespace holdfast::fuzz {
namespace {

void read_manifest(std::string_view text) {
  const auto manifest = agent::parse_manifest(text);
  if (!manifest) {
    ENSURE(manifest.error().kind == Kind::invalid, "{}", manifest.error().message);
    ENSURE(manifest.error().message.size() < 400, "a message as long as what it is about");
    return;
  }
  ENSURE(!manifest->bucket.empty() && !manifest->names.empty(), "a manifest of nothing");
  for (const auto& name : manifest->names) {
    ENSURE(checkpoint::is_safe_path(name), "'{}' leads elsewhere", name);
    ENSURE(manifest->prefix.size() + name.size() <= checkpoint::kMaxPath, "a key that is too long");
  }
}

void read_lines(std::string_view text, const std::vector<std::string>& attributes) {
  const auto pieces = agent::parse_augmented_manifest(text, attributes);
  if (!pieces) {
    ENSURE(pieces.error().kind == Kind::invalid, "{}", pieces.error().message);
    return;
  }
  ENSURE(pieces->size() % attributes.size() == 0, "a line in pieces");
  for (std::size_t i = 0; i < pieces->size(); ++i) {
    const auto* object = std::get_if<ports::S3Location>(&(*pieces)[i]);
    ENSURE((object != nullptr) == attributes[i % attributes.size()].ends_with("-ref"),
           "an object where a value belongs");
    ENSURE(!object || (!object->bucket.empty() && !object->key.empty()), "an object without a name");
  }
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  fuzz::Input input(bytes, size);
  fuzz::read_manifest(input.rest());
  fuzz::Input names_of_attributes(bytes, std::min<std::size_t>(input.line().size(), 100));
  std::vector<std::string> attributes;
  while (!names_of_attributes.empty()) attributes.emplace_back(names_of_attributes.until(','));
  if (!attributes.empty()) fuzz::read_lines(input.rest(), attributes);
  return 0;
}
