#include "sim/ledger_history.hpp"

#include <algorithm>

#include "agent/checkpoint_ledger.hpp"

namespace holdfast::sim {

namespace {

constexpr std::size_t kMaxKeys = 1'000'000;

class Reading {
 public:
  Reading(ports::ObjectStore& objects, agent::CheckpointPlace place)
      : objects_(objects), place_(std::move(place)), ledger_(objects, place_) {}

  Result<LedgerPlace> run() {
    const auto entries = list(checkpoint::kLedgerFolder);
    if (!entries) return fail(entries.error());
    if (auto read = read_quarantine(); !read) return fail(read.error());
    std::map<GenerationId, checkpoint::Manifest> manifests;
    for (const auto& object : *entries) {
      if (const auto fence = checkpoint::parse_anew_name(own_name(object))) found_.anew.insert(*fence);
      const auto id = checkpoint::parse_manifest_name(own_name(object));
      if (!id) continue;
      auto manifest = ledger_.read_manifest(*id);
      // A clean-up of the running service came first.
      if (!manifest && manifest.error().kind == Kind::not_found) continue;
      if (!manifest) return fail(manifest.error());
      note(*id, object, *manifest);
      if (*manifest) manifests[*id] = std::move(**manifest);
    }
    if (auto checked = check_data(manifests); !checked) return fail(checked.error());
    return std::move(found_);
  }

 private:
  Result<std::vector<ports::ObjectInfo>> list(std::string_view folder) {
    return ports::list_all(objects_, place_.bucket, place_.own_key(folder), kMaxKeys);
  }
  std::string own_name(const ports::ObjectInfo& object) const { return object.key.substr(place_.own_key("").size()); }

  Result<void> read_quarantine() {
    const auto marks = list("quarantine/");
    if (!marks) return fail(marks.error());
    for (const auto& mark : *marks) {
      if (const auto id = checkpoint::parse_quarantine_name(own_name(mark))) found_.quarantined[*id] = mark.modified;
    }
    return {};
  }

  void note(const GenerationId& id, const ports::ObjectInfo& object,
            const std::optional<checkpoint::Manifest>& manifest) {
    const Instant created = manifest ? manifest->created : object.modified;
    if (id.sequence > 0)
      found_.generations[id] = {created, manifest.has_value(), true, manifest ? manifest->based_on : std::nullopt};
    // Entries come in order, so the opening, where it is there, comes first.
    if (manifest) found_.openings.try_emplace(id.fence, LedgerOpening{created, manifest->based_on});
  }

  Result<void> check_data(const std::map<GenerationId, checkpoint::Manifest>& manifests) {
    const auto data = ledger_.data_objects();
    if (!data) return fail(data.error());
    for (const auto& [id, manifest] : manifests) {
      const bool whole = std::ranges::all_of(manifest.files, [&](const checkpoint::ManifestFile& file) {
        const auto object = data->find(checkpoint::parse_data_name(file.object).value());
        return object != data->end() && checkpoint::fits(file, object->second);
      });
      if (whole || id.sequence == 0) continue;
      // Manifests are removed before what they name: one that is gone by now is no loss.
      const auto still = objects_.head(place_.bucket, place_.own_key(checkpoint::manifest_name(id)));
      if (still) {
        found_.generations[id].whole = false;
      } else {
        found_.generations.erase(id);
      }
    }
    return {};
  }

  ports::ObjectStore& objects_;
  agent::CheckpointPlace place_;
  agent::LedgerStore ledger_;
  LedgerPlace found_;
};

}  // namespace

Result<LedgerPlace> read_ledger(ports::ObjectStore& objects, const std::string& s3_uri) {
  const auto location = ports::parse_s3_uri(s3_uri);
  if (!location) return fail(location.error());
  const auto exists = objects.bucket_exists(location->bucket);
  if (!exists) return fail(exists.error());
  if (!*exists) return LedgerPlace{};
  return Reading(objects, agent::checkpoint_place(*location)).run();
}

}  // namespace holdfast::sim
