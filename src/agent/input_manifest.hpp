// The lists that a channel may name instead of a key prefix. Pure; their bytes are a stranger's.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "ports/object_store.hpp"

namespace holdfast::agent {

// Of objects in one channel, however they are found.
constexpr std::size_t kMaxChannelObjects = 1'000'000;
constexpr std::size_t kMaxManifestBytes = 64 << 20;
constexpr std::size_t kMaxManifestLine = 1 << 20;

// ManifestFile: [{"prefix": "s3://bucket/some/prefix/"}, "a.csv", "deep/b.csv"]. A name put behind the prefix is an
// object's key. Each name is a safe path, so it can be a file's too.
struct InputManifest {
  std::string bucket;
  std::string prefix;
  std::vector<std::string> names;  // one at least; the same one may come twice
};
// Kind::invalid: says which element is wrong, and why.
Result<InputManifest> parse_manifest(std::string_view text);

// What is streamed: an object, or bytes that the list itself gives.
using Piece = std::variant<ports::S3Location, std::string>;

// AugmentedManifestFile: a JSON object in each line, {"source-ref": "s3://bucket/a.jpg", "class": 1}. For each line the
// values of `attributes`, in that order: of a name that ends in "-ref" the object, of any other the value, a text
// without its quotes and anything else as JSON. Empty lines are passed over.
// Kind::invalid: says which line is wrong, and why.
Result<std::vector<Piece>> parse_augmented_manifest(std::string_view text, const std::vector<std::string>& attributes);

}  // namespace holdfast::agent
