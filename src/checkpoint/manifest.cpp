#include "checkpoint/manifest.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include <limits>
#include <utility>

#include "base/ensure.hpp"
#include "checkpoint/hash.hpp"
#include "checkpoint/ledger.hpp"
#include "checkpoint/paths.hpp"

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
  return manifest;
}

// What is wrong with the files, or nothing. In order of path, so a path twice shows as neighbours.
std::optional<std::string> wrong_with(const Manifest& manifest) {
  if (manifest.files.size() > kMaxFiles) return fmt::format("more than {} files", kMaxFiles);
  if (manifest.based_on && *manifest.based_on >= manifest.id) return "it is based on a later generation";
  if (manifest.id.sequence == 0 && !manifest.files.empty()) return "an opening entry with files";
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
  return std::nullopt;
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

}  // namespace holdfast::checkpoint
