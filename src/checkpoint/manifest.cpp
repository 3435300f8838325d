#include "checkpoint/manifest.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/ensure.hpp"
#include "checkpoint/hash.hpp"
#include "checkpoint/ledger.hpp"

namespace holdfast::checkpoint {
namespace {

using nlohmann::json;

constexpr std::string_view kFormat = "holdfast-manifest 2 ";

std::string header_of(std::string_view body) { return std::string(kFormat) + hash_of(body) + "\n"; }

json to_json(const std::optional<GenerationId>& id) {
  return id ? json::array({id->fence.value, id->sequence}) : json(nullptr);
}

// JSON's own conversion would take a fraction, a sign or too many bits for some other number.
template <class Integer>
Integer integer_from(const json& value) {
  const bool fits = value.is_number_unsigned()
                        ? std::in_range<Integer>(value.get<std::uint64_t>())
                        : value.is_number_integer() && std::in_range<Integer>(value.get<std::int64_t>());
  if (!fits) throw std::out_of_range("a number of the wrong kind or size");
  return value.get<Integer>();
}

std::optional<GenerationId> generation_from(const json& value) {
  if (value.is_null()) return std::nullopt;
  return GenerationId{Fence{integer_from<std::uint64_t>(value.at(0))}, integer_from<std::uint64_t>(value.at(1))};
}

ManifestFile file_from(const json& value) {
  return {.path = value.at("path").get<std::string>(),
          .size = integer_from<std::uint64_t>(value.at("size")),
          .hash = value.at("hash").get<std::string>(),
          .object = value.at("object").get<std::string>(),
          .offset =
              value.contains("offset") ? std::optional{integer_from<std::uint64_t>(value.at("offset"))} : std::nullopt,
          .mtime_ns = integer_from<std::int64_t>(value.at("mtime_ns")),
          .mode = integer_from<std::uint32_t>(value.at("mode"))};
}

Manifest manifest_from(const json& body) {
  Manifest manifest{.job = body.at("job").get<std::string>(),
                    .id = generation_from(body.at("generation")).value(),
                    .created = from_ms(integer_from<std::int64_t>(body.at("created_ms"))),
                    .based_on = generation_from(body.at("based_on")),
                    .files = {},
                    .number = integer_from<std::uint64_t>(body.value("number", json(0U))),
                    .metrics = body.value("metrics", std::map<std::string, double>{})};
  for (const auto& file : body.at("files")) manifest.files.push_back(file_from(file));
  for (const auto& link : body.value("links", json::array())) {
    manifest.links.push_back({link.at("path").get<std::string>(), link.at("target").get<std::string>()});
  }
  return manifest;
}

// A path, or a folder on the way to it, at which there is one of the links.
bool meets(const std::vector<Link>& links, std::string_view path) {
  for (; !path.empty(); path = folder_of(path)) {
    const auto next =
        std::ranges::lower_bound(links, path, {}, [](const Link& link) -> std::string_view { return link.path; });
    if (next != links.end() && next->path == path) return true;
  }
  return false;
}

std::optional<std::string> wrong_with_links(const Manifest& manifest) {
  const auto& links = manifest.links;
  if (links.empty()) return std::nullopt;
  for (std::size_t i = 0; i < links.size(); ++i) {
    const auto& path = links[i].path;
    if (!is_safe_path(path)) return fmt::format("'{}' is no path below a directory", path);
    if (i > 0 && links[i - 1].path >= path) return fmt::format("'{}' is out of order or twice", path);
    if (!leads_to(links[i])) return fmt::format("the link '{}' leads out of the directory", path);
    if (meets(links, folder_of(path))) return fmt::format("'{}' lies behind a link", path);
  }
  for (const auto& file : manifest.files) {
    if (meets(links, file.path)) return fmt::format("'{}' is a link, or lies behind one", file.path);
  }
  return std::nullopt;
}

// What is wrong with the manifest, or nothing. In order of path, so a path twice shows as neighbours.
std::optional<std::string> wrong_with(const Manifest& manifest) {
  if (manifest.files.size() + manifest.links.size() > kMaxFiles) return fmt::format("more than {} files", kMaxFiles);
  if (manifest.based_on && *manifest.based_on >= manifest.id) return "it is based on a later generation";
  if (manifest.id.sequence == 0 && !(manifest.files.empty() && manifest.links.empty())) {
    return "an opening entry with files";
  }
  if (manifest.metrics.size() > kMaxMetrics) return fmt::format("more than {} metrics", kMaxMetrics);
  for (const auto& [name, value] : manifest.metrics) {
    if (!std::isfinite(value)) return "a metric that is no number";
  }
  const std::string* previous = nullptr;
  for (const auto& file : manifest.files) {
    if (!is_safe_path(file.path)) return fmt::format("'{}' is no path below a directory", file.path);
    if (previous != nullptr && *previous >= file.path) return fmt::format("'{}' is out of order or twice", file.path);
    if (!is_file_hash(file.hash)) return fmt::format("'{}' has no hash that we know", file.path);
    const auto object = parse_data_name(file.object);
    if (!object || object->fence > manifest.id.fence) return fmt::format("'{}' names no object of ours", file.path);
    if (file.offset && *file.offset > std::numeric_limits<std::uint64_t>::max() - file.size) {
      return fmt::format("'{}' ends nowhere", file.path);
    }
    if ((file.mode & ~07777u) != 0) return fmt::format("'{}' has no valid mode", file.path);
    previous = &file.path;
  }
  return wrong_with_links(manifest);
}

}  // namespace

std::string encode(const Manifest& manifest) {
  const auto wrong = wrong_with(manifest);
  ENSURE(!wrong, "manifest {}-{}: {}", manifest.id.fence.value, manifest.id.sequence, *wrong);
  auto files = json::array();
  for (const auto& file : manifest.files) {
    auto& entry = files.emplace_back(json{{"path", file.path},
                                          {"size", file.size},
                                          {"hash", file.hash},
                                          {"object", file.object},
                                          {"mtime_ns", file.mtime_ns},
                                          {"mode", file.mode}});
    if (file.offset) entry["offset"] = *file.offset;
  }
  json body{{"job", manifest.job},
            {"generation", to_json(manifest.id)},
            {"created_ms", to_ms(manifest.created)},
            {"based_on", to_json(manifest.based_on)},
            {"files", std::move(files)}};
  for (const auto& link : manifest.links) body["links"].push_back(json{{"path", link.path}, {"target", link.target}});
  if (manifest.number > 0) body["number"] = manifest.number;
  if (!manifest.metrics.empty()) body["metrics"] = manifest.metrics;
  const auto text = body.dump();
  return header_of(text) + text;
}

Result<Manifest> decode(std::string_view bytes) {
  if (bytes.size() > kMaxManifestBytes) return fail(Kind::invalid, "manifest: more than {} bytes", kMaxManifestBytes);
  const auto line_end = bytes.find('\n');
  if (line_end == std::string_view::npos) return fail(Kind::invalid, "manifest: no header line");
  const auto header = bytes.substr(0, line_end + 1);
  const auto body = bytes.substr(line_end + 1);
  if (!header.starts_with(kFormat)) return fail(Kind::invalid, "manifest: a format that this version does not know");
  if (header != header_of(body)) return fail(Kind::invalid, "manifest: its hash does not match, it is damaged");
  try {
    auto manifest = manifest_from(json::parse(body));
    if (const auto wrong = wrong_with(manifest)) return fail(Kind::invalid, "manifest: {}", *wrong);
    return manifest;
  } catch (const std::exception& error) {
    return fail(Kind::invalid, "manifest: {}", error.what());
  }
}

std::uint64_t total_bytes(const Manifest& manifest) {
  std::uint64_t sum = 0;
  for (const auto& file : manifest.files) sum += file.size;
  return sum;
}

std::vector<ManifestFile> linked_files(const std::vector<ManifestFile>& files, const std::vector<Link>& links) {
  std::vector<ManifestFile> linked;
  for (const auto& link : links) {
    const auto* file = find_file(files, leads_to(link).value());
    if (file == nullptr) continue;
    linked.push_back(*file);
    linked.back().path = link.path;
  }
  return linked;
}

const ManifestFile* find_file(const std::vector<ManifestFile>& files, std::string_view path) {
  const auto next =
      std::ranges::lower_bound(files, path, {}, [](const ManifestFile& file) -> std::string_view { return file.path; });
  return next != files.end() && next->path == path ? &*next : nullptr;
}

}  // namespace holdfast::checkpoint
