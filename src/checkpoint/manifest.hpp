// A manifest makes a generation exist: it is written last, and names every file with its size and hash. Stored as
//   holdfast-manifest 2 <hash of the body>\n
//   <body, JSON>
// so that one flipped bit anywhere is noticed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "checkpoint/paths.hpp"

namespace holdfast::checkpoint {

constexpr std::size_t kMaxFiles = 100'000;  // with the links
constexpr std::size_t kMaxMetrics = 100;    // SageMaker's limit is 40
constexpr std::size_t kMaxManifestBytes = 64u << 20;

struct ManifestFile {
  std::string path;  // relative, see is_safe_path
  std::uint64_t size = 0;
  std::string hash = {};  // see hash.hpp
  // See data_name(): relative to the ledger's folder, so that a prefix can be moved as a whole.
  std::string object = {};
  std::optional<std::uint64_t> offset = {};  // where it begins in an object that small files share; none: it is its own
  std::int64_t mtime_ns = 0;
  std::uint32_t mode = 0644;  // permission bits
  bool operator==(const ManifestFile&) const = default;
};

// Whether an object of that size can hold it.
inline bool fits(const ManifestFile& file, std::uint64_t object_size) {
  return file.offset ? *file.offset + file.size <= object_size : file.size == object_size;
}

// Of one path in two generations: small files of different contents lie in one object.
inline bool same_content(const ManifestFile& a, const ManifestFile& b) {
  return a.object == b.object && a.offset == b.offset;
}

struct Manifest {
  std::string job;
  GenerationId id;
  Instant created;
  std::optional<GenerationId> based_on;  // what this attempt restored
  std::vector<ManifestFile> files;       // by path
  // By path, and made last: nothing of the generation lies at a link's path or below it.
  std::vector<Link> links = {};
  // How many there are in the line that leads here: 1 is the job's first. An attempt's first generation has the number
  // of the one that it is based on. 0: not known, or an opening.
  std::uint64_t number = 0;
  std::map<std::string, double> metrics = {};  // the last values that the program had printed by then
  bool operator==(const Manifest&) const = default;
};

std::string encode(const Manifest& manifest);
// Kind::invalid for anything that encode() would not have written: damage, unknown versions, paths that lead elsewhere,
// a path twice, links that lead out or that a path goes through, more than kMaxFiles files and links, objects of a
// newer fence.
Result<Manifest> decode(std::string_view bytes);

std::uint64_t total_bytes(const Manifest& manifest);

// Each link that leads to one of the files, as that file under the link's name.
std::vector<ManifestFile> linked_files(const std::vector<ManifestFile>& files, const std::vector<Link>& links);
// The file with that path, or null. `files` are by path.
const ManifestFile* find_file(const std::vector<ManifestFile>& files, std::string_view path);

}  // namespace holdfast::checkpoint
