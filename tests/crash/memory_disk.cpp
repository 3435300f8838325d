#include "crash/memory_disk.hpp"

#include <algorithm>

#include "base/random.hpp"

namespace holdfast::testing {
namespace {

constexpr std::size_t kSector = 512;

void write_at(std::string& content, std::size_t offset, std::string_view bytes) {
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size(), '\0');
  content.replace(offset, bytes.size(), bytes);
}

void perform(std::string& content, const DiskOp& op) {
  if (op.kind == DiskOp::Kind::write) write_at(content, op.offset, op.bytes);
  if (op.kind == DiskOp::Kind::truncate) content.resize(op.offset, '\0');
}

// Some of the sectors that the write touches, and never a part of one.
void perform_torn(std::string& content, const DiskOp& op, SeededRandom& random) {
  if (op.kind != DiskOp::Kind::write) return;
  const auto end = op.offset + op.bytes.size();
  for (auto from = op.offset; from < end;) {
    const auto to = std::min(end, (from / kSector + 1) * kSector);
    if (random.next() % 2 == 0) write_at(content, from, std::string_view(op.bytes).substr(from - op.offset, to - from));
    from = to;
  }
}

std::string left_of(std::string content, const std::vector<DiskOp>& pending, Loss loss, SeededRandom& random) {
  if (loss == Loss::all) return content;
  const auto kept = loss == Loss::prefix ? random.next() % (pending.size() + 1) : pending.size();
  for (std::size_t i = 0; i < kept; ++i) {
    const auto fate = loss == Loss::subset ? random.next() % 3 : 0;
    if (fate == 0) perform(content, pending[i]);
    if (fate == 1) perform_torn(content, pending[i], random);
  }
  if (kept < pending.size()) perform_torn(content, pending[kept], random);
  return content;
}

}  // namespace

const char* to_string(Loss loss) {
  switch (loss) {
    case Loss::all:
      return "nothing unsynced is left";
    case Loss::none:
      return "everything is left";
    case Loss::prefix:
      return "the oldest unsynced writes are left";
    case Loss::subset:
      return "some unsynced writes are left";
  }
  return "?";
}

DiskModel::DiskModel(const DiskImage& image) {
  for (const auto& [name, content] : image) files_[name] = {true, true, content, {}, std::nullopt};
}

void DiskModel::apply(const DiskOp& op) {
  auto& file = files_[op.file];
  switch (op.kind) {
    case DiskOp::Kind::create:
      file.exists = true;
      return;
    case DiskOp::Kind::write:
    case DiskOp::Kind::truncate:
      file.pending.push_back(op);
      return;
    case DiskOp::Kind::sync:
      for (const auto& write : file.pending) perform(file.synced, write);
      file.pending.clear();
      // SQLite's own VFS syncs the directory when it first syncs a new journal or log.
      if (file.named) return;
      for (auto& [name, each] : files_) {
        each.named = each.exists;
        each.ghost.reset();
      }
      return;
    case DiskOp::Kind::remove:
      if (file.named) {
        for (const auto& write : file.pending) perform(file.synced, write);
        file.ghost = std::move(file.synced);
      }
      file = {false, false, "", {}, std::move(file.ghost)};
      return;
  }
}

DiskImage DiskModel::after_power_loss(Loss loss, std::uint64_t seed) const {
  SeededRandom random(seed);
  const auto luck = [&] { return loss == Loss::none || (loss != Loss::all && random.next() % 2 == 0); };
  DiskImage image;
  for (const auto& [name, file] : files_) {
    if (file.exists && (file.named || luck())) {
      image[name] = left_of(file.synced, file.pending, loss, random);
    } else if (file.ghost && (loss == Loss::all || !luck())) {
      image[name] = *file.ghost;
    }
  }
  return image;
}

}  // namespace holdfast::testing
