#include "app/checkpoints_command.hpp"

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "agent/checkpoint_review.hpp"
#include "agent/counted_folder.hpp"
#include "agent/disk_folder.hpp"
#include "app/open_buckets.hpp"
#include "app/progress.hpp"
#include "cli/answers.hpp"
#include "cli/text.hpp"

namespace holdfast::app {

namespace {

namespace fs = std::filesystem;
using agent::CheckpointPlace;
using agent::GenerationState;
using agent::ReviewedGeneration;
using cli::CheckpointsOptions;

constexpr int kGood = 0, kDamaged = 1;
constexpr double kGigabyte = 1024.0 * 1024.0 * 1024.0;

struct Target {
  CheckpointPlace place;
  bool live = true;  // an attempt may be at work there, for all that we know
};

Result<std::string> uri_of(const cli::ConnectionOptions& connection, const std::string& job, bool& live) {
  const auto address = cli::find_service(connection, environment_variable);
  if (!address) return fail(address.error());
  SystemClock clock;
  cli::Client client{*address, clock};
  const auto found = cli::describe(client, job);
  if (!found) return fail(found.error());
  if (found->checkpoint.empty()) return fail(Kind::invalid, "the job {} keeps no checkpoints", job);
  live = !cli::is_over(*found);
  return found->checkpoint;
}

Result<Target> find_target(const cli::ConnectionOptions& connection, const CheckpointsOptions& options) {
  Target target;
  auto uri = options.what;
  if (options.ended && !uri.starts_with("s3://"))
    return fail(Kind::invalid, "--ended is said of an s3:// place: whether the job {} has ended is asked for", uri);
  if (!uri.starts_with("s3://")) {
    auto found = uri_of(connection, uri, target.live);
    if (!found) return fail(found.error());
    uri = std::move(*found);
  }
  const auto location = ports::parse_s3_uri(uri);
  if (!location) return fail(location.error());
  target.place = agent::checkpoint_place(*location);
  if (options.ended) target.live = false;
  return target;
}

std::string in_words(GenerationId id) { return fmt::format("{}.{}", id.fence.value, id.sequence); }

Result<std::optional<GenerationId>> parse_generation(const std::string& text) {
  if (text.empty()) return std::optional<GenerationId>{};
  GenerationId id;
  const char* const end = text.data() + text.size();
  const auto fence = std::from_chars(text.data(), end, id.fence.value);
  if (fence.ec == std::errc{} && fence.ptr != end && *fence.ptr == '.') {
    const auto sequence = std::from_chars(fence.ptr + 1, end, id.sequence);
    if (sequence.ec == std::errc{} && sequence.ptr == end && id.sequence > 0) return std::optional{id};
  }
  return fail(Kind::invalid, "'{}' is no generation: write FENCE.SEQUENCE, as `holdfast checkpoints JOB` shows it",
              text);
}

// ---- list

std::string metrics_in_words(const std::map<std::string, double>& metrics) {
  std::string words;
  for (const auto& [name, value] : metrics) words += fmt::format("{}{}={:.6g}", words.empty() ? "" : " ", name, value);
  return words;
}

std::string files_in_words(std::uint64_t files, std::uint64_t links) {
  return links == 0 ? fmt::format("{} files", files) : fmt::format("{} files and {} links", files, links);
}

std::string state_in_words(const ReviewedGeneration& one) {
  return one.why.empty() ? agent::to_string(one.state) : fmt::format("{}: {}", agent::to_string(one.state), one.why);
}

void print_list(const CheckpointPlace& place, const agent::ReviewedPlace& found) {
  std::vector<std::vector<std::string>> rows{
      {"GENERATION", "NUMBER", "SAVED (UTC)", "SIZE", "FILES", "VERIFIED (UTC)", "METRICS", "STATE"}};
  for (const auto& one : found.generations) {
    const bool readable = one.readable;
    rows.push_back({in_words(one.id), one.manifest.number == 0 ? "" : std::to_string(one.manifest.number),
                    readable ? cli::readable(one.manifest.created) : "", readable ? readable_bytes(one.bytes) : "",
                    readable ? std::to_string(one.files) : "", one.verified ? cli::readable(*one.verified) : "",
                    metrics_in_words(one.manifest.metrics), state_in_words(one)});
  }
  if (found.generations.empty()) {
    fmt::print("There are no generations at s3://{}/{}\n", place.bucket, place.prefix);
  } else {
    fmt::print("{}", cli::render_table(rows));
  }
  fmt::print("\ns3://{}/{}: {} in generations, {} in {} plain files beside them\n", place.bucket, place.prefix,
             readable_bytes(found.stored_bytes), readable_bytes(found.plain_bytes), found.plain_files);
}

void print_json(const CheckpointPlace& place, const agent::ReviewedPlace& found) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& one : found.generations) {
    list.push_back({{"generation", in_words(one.id)},
                    {"fence", one.id.fence.value},
                    {"sequence", one.id.sequence},
                    {"number", one.manifest.number},
                    {"job", one.manifest.job},
                    {"saved_ms", to_ms(one.manifest.created)},
                    {"bytes", one.bytes},
                    {"files", one.files},
                    {"links", one.links},
                    {"state", agent::to_string(one.state)},
                    {"why", one.why},
                    {"verified_ms", one.verified ? nlohmann::json(to_ms(*one.verified)) : nlohmann::json()},
                    {"metrics", one.manifest.metrics}});
  }
  const nlohmann::json out{{"s3_uri", fmt::format("s3://{}/{}", place.bucket, place.prefix)},
                           {"stored_bytes", found.stored_bytes},
                           {"plain_bytes", found.plain_bytes},
                           {"plain_files", found.plain_files},
                           {"generations", std::move(list)}};
  fmt::print("{}\n", out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

Result<int> list(ports::ObjectStore& store, const Target& target, const CheckpointsOptions& options) {
  const auto found = agent::review_checkpoints(store, target.place);
  if (!found) return fail(found.error());
  options.json ? print_json(target.place, *found) : print_list(target.place, *found);
  return kGood;
}

// ---- verify, export

// Into `folder`, with a line that tells how far it is.
Result<void> fetch(ports::ObjectStore& store, const Target& target, const checkpoint::Manifest& manifest,
                   std::unique_ptr<agent::Folder> folder) {
  agent::CountedFolder counted(std::move(folder));
  agent::ThreadTasks tasks;
  const Progress progress(in_words(manifest.id), checkpoint::total_bytes(manifest), [&] { return counted.bytes(); });
  return agent::fetch_generation(store, target.place, manifest, counted, tasks);
}

Result<int> verify_one(ports::ObjectStore& store, const Target& target, GenerationId id, bool quarantine) {
  const auto manifest = agent::find_generation(store, target.place, id);
  const auto read = manifest ? fetch(store, target, *manifest, nullptr) : Result<void>(fail(manifest.error()));
  if (read) {
    fmt::print("{}: good, {}, {}\n", in_words(id), files_in_words(manifest->files.size(), manifest->links.size()),
               readable_bytes(checkpoint::total_bytes(*manifest)));
    // Whoever may only read may verify all the same.
    const auto noted = agent::note_verified(store, target.place, id);
    if (!noted) std::fprintf(stderr, "holdfast: not put on record: %s\n", noted.error().message.c_str());
    return kGood;
  }
  const bool damaged = read.error().kind == Kind::conflict || (!manifest && read.error().kind == Kind::invalid);
  if (!damaged) return fail(read.error());
  fmt::print("{}: damaged: {}\n", in_words(id), read.error().message);
  if (!quarantine) return kDamaged;
  if (auto put = agent::LedgerStore(store, target.place).quarantine(id, read.error().message); !put)
    return fail(put.error());
  fmt::print("{} is in quarantine: no restore uses it from now on\n", in_words(id));
  return kDamaged;
}

Result<int> verify(ports::ObjectStore& store, const Target& target, const CheckpointsOptions& options) {
  const auto named = parse_generation(options.generation);
  if (!named) return fail(named.error());
  if (!options.all) {
    const auto id = *named ? Result<GenerationId>(**named) : agent::newest_generation(store, target.place);
    if (!id) return fail(id.error());
    return verify_one(store, target, *id, options.quarantine);
  }
  const auto found = agent::review_checkpoints(store, target.place);
  if (!found) return fail(found.error());
  int worst = kGood;
  for (const auto& one : found->generations) {
    if (one.state == GenerationState::superseded || one.state == GenerationState::quarantined) continue;
    const auto verified = verify_one(store, target, one.id, options.quarantine);
    // Cleaned up by the running job meanwhile.
    if (!verified && verified.error().kind == Kind::not_found) continue;
    if (!verified) return verified;
    worst = std::max(worst, *verified);
  }
  return worst;
}

Result<int> export_one(ports::ObjectStore& store, const Target& target, const CheckpointsOptions& options) {
  const auto id = parse_generation(options.generation);
  if (!id) return fail(id.error());
  std::error_code error;
  if (fs::exists(options.directory, error) && !fs::is_empty(options.directory, error))
    return fail(Kind::invalid, "{} is not an empty folder: nothing is written over what is there", options.directory);
  const auto manifest = agent::find_generation(store, target.place, *id);
  if (!manifest) return fail(manifest.error());
  auto folder = agent::DiskFolder::open(fs::path(options.directory));
  if (!folder) return fail(folder.error());
  const auto fetched = fetch(store, target, *manifest, std::move(*folder));
  if (!fetched && fetched.error().kind == Kind::conflict) {
    fmt::print("{}: damaged: {}\n`holdfast checkpoints` lists others\n", in_words(manifest->id),
               fetched.error().message);
    return kDamaged;
  }
  if (!fetched && fetched.error().kind == Kind::no_space)
    return fail(Kind::no_space, "{}: the generation needs {}; nothing of it was kept", fetched.error().message,
                readable_bytes(checkpoint::total_bytes(*manifest)));
  if (!fetched) return fail(fetched.error());
  fmt::print("{}: {}, {}, verified, are in {}\n", in_words(manifest->id),
             files_in_words(manifest->files.size(), manifest->links.size()),
             readable_bytes(checkpoint::total_bytes(*manifest)), options.directory);
  return kGood;
}

// ---- prune

// Of a place alone nobody knows whether an attempt is at work there.
std::string about_what_is_held(const agent::PrunePlan& plan, bool of_a_place) {
  auto words = fmt::format("What the newest attempt ({}) wrote stays, as it may still be running", plan.newest.value);
  if (plan.held_bytes > 0)
    words += fmt::format(": {} more, of generations that go, are removed after its next checkpoint",
                         readable_bytes(plan.held_bytes));
  words += ".\n";
  if (of_a_place)
    words += "If it is over: give the job's name instead of the place, and that is asked for; or say --ended.\n";
  return words;
}

Result<int> prune(ports::ObjectStore& store, const Target& target, const CheckpointsOptions& options) {
  checkpoint::RetentionPolicy policy{.keep = static_cast<std::size_t>(options.keep),
                                     .every = static_cast<std::uint64_t>(options.every),
                                     .best = checkpoint::parse_keep_best(options.best)};
  const auto plan = agent::plan_prune(store, target.place, policy, target.live);
  if (!plan) return fail(plan.error());
  for (const auto& id : plan->remove.entries) {
    if (id.sequence > 0) fmt::print("{} {}\n", options.dry_run ? "would remove" : "removing", in_words(id));
  }
  std::string kept;
  for (auto id = plan->kept.rbegin(); id != plan->kept.rend(); ++id) kept += (kept.empty() ? "" : ", ") + in_words(*id);
  fmt::print("{}: {}\n", options.dry_run ? "would keep" : "keeping", kept.empty() ? "none" : kept);
  std::size_t aborted = 0;
  if (!options.dry_run) {
    const auto pruned = agent::prune(store, target.place, *plan, SystemClock().now());
    if (!pruned) return fail(pruned.error());
    aborted = *pruned;
  }
  fmt::print("{} {} ({} objects): ${:.2f} a month at ${} for a GB\n", options.dry_run ? "would free" : "freed",
             readable_bytes(plan->bytes), plan->remove.data.size(),
             static_cast<double>(plan->bytes) / kGigabyte * options.price, options.price);
  if (aborted > 0) fmt::print("aborted {} uploads that were begun and never completed\n", aborted);
  if (target.live) fmt::print("{}", about_what_is_held(*plan, options.what.starts_with("s3://")));
  return kGood;
}

Result<int> perform(const cli::ConnectionOptions& connection, const CheckpointsOptions& options) {
  if (options.what.empty()) return fail(Kind::invalid, "checkpoints of what? Give a job's name or s3://bucket/prefix");
  const auto target = find_target(connection, options);
  if (!target) return fail(target.error());
  SystemClock clock;
  SystemRandom random;
  auto buckets = reach_buckets(connection, {clock, random, kCallersPatience});
  if (!buckets) return fail(buckets.error());
  auto& store = buckets->store();
  switch (options.action) {
    case CheckpointsOptions::Action::verify:
      return verify(store, *target, options);
    case CheckpointsOptions::Action::export_one:
      return export_one(store, *target, options);
    case CheckpointsOptions::Action::prune:
      return prune(store, *target, options);
    case CheckpointsOptions::Action::list:
      break;
  }
  return list(store, *target, options);
}

}  // namespace

int checkpoints(const cli::ConnectionOptions& connection, const CheckpointsOptions& options) {
  const auto done = perform(connection, options);
  if (done) return *done;
  std::fprintf(stderr, "holdfast: %s\n", done.error().message.c_str());
  return done.error().kind == Kind::invalid ? cli::kExitUsage : cli::kExitNoAnswer;
}

}  // namespace holdfast::app
