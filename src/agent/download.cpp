#include "agent/download.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <tuple>

#include "checkpoint/hash.hpp"
#include "checkpoint/paths.hpp"

namespace holdfast::agent {
namespace {

using checkpoint::FileIdentity;

// A long file comes in ranges of that many bytes, side by side; of several files each is better one task's, as they
// would wait for each other to write.
constexpr std::uint64_t kMinRange = 16u << 20, kMaxRange = 128u << 20;
constexpr std::uint64_t kRangesATask = 8;
constexpr std::uint64_t kSmall = 1u << 20;  // bytes; a request for less is mostly waiting
// Small files that lie in one object come together, as long as what lies between them is no more than this.
constexpr std::uint64_t kGap = 64u << 10;

// One request: a part of a file, or several whole files that lie behind each other in one object.
struct Piece {
  std::vector<std::size_t> files;  // indices
  std::uint64_t offset = 0;        // in the object
  std::uint64_t length = ports::kToTheEnd;
  std::uint64_t begin = 0;  // in the file, where it is one
};

std::uint64_t bytes_of(const std::vector<Download>& files) {
  std::uint64_t bytes = 0;
  for (const auto& file : files) bytes += file.size.value_or(0);
  return bytes;
}

// Whole blocks, since ranges are hashed by themselves.
std::uint64_t range_for(const std::vector<Download>& files, std::size_t tasks) {
  const auto share =
      std::clamp(bytes_of(files) / (std::max<std::uint64_t>(1, tasks) * kRangesATask), kMinRange, kMaxRange);
  return share / checkpoint::kHashBlock * checkpoint::kHashBlock;
}

std::vector<Piece> cut(const std::vector<Download>& files, std::uint64_t range) {
  const auto in_ranges = [range](const Download& file) {
    return file.size && !file.hash.empty() && *file.size > range;
  };
  std::vector<Piece> pieces;
  std::vector<std::size_t> order(files.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return std::tie(files[i].key, files[i].offset); });
  for (const auto i : order) {
    const auto& file = files[i];
    if (in_ranges(file)) {
      for (std::uint64_t at = 0; at < *file.size; at += range) {
        pieces.push_back({{i}, file.offset + at, std::min(range, *file.size - at), at});
      }
      continue;
    }
    const auto length = file.size && !file.hash.empty() ? *file.size : ports::kToTheEnd;
    if (!pieces.empty() && length != ports::kToTheEnd) {
      auto& last = pieces.back();
      const auto& before = files[last.files.back()];
      const auto end = last.length == ports::kToTheEnd ? last.length : last.offset + last.length;
      const bool joins = before.key == file.key && !in_ranges(before) && end != ports::kToTheEnd &&
                         file.offset >= end && file.offset - end <= kGap &&
                         file.offset + length - last.offset <= kMinRange;
      if (joins) {
        last.files.push_back(i);
        last.length = file.offset + length - last.offset;
        continue;
      }
    }
    pieces.push_back({{i}, file.offset, length, 0});
  }
  return pieces;
}

// A file on its way, by all that bring parts of it.
struct Target {
  std::unique_ptr<NewFile> file;
  std::optional<checkpoint::FileHash> hash;  // none where it is not known what to expect
  std::size_t pieces_left = 0;
};

class Downloads {
 public:
  Downloads(ports::ObjectStore& store, const std::string& bucket, const std::vector<Download>& files, Folder& folder,
            Tasks& tasks)
      : store_(store),
        bucket_(bucket),
        files_(files),
        folder_(folder),
        tasks_(tasks),
        pieces_(cut(files, range_for(files, tasks.width()))),
        targets_(files.size()),
        identities_(files.size()) {
    for (const auto& piece : pieces_) {
      for (const auto i : piece.files) targets_[i].pieces_left += 1;
    }
  }

  Result<std::vector<FileIdentity>> run() {
    {
      std::vector<std::unique_ptr<Task>> workers;
      const auto at_once = mostly_small() ? kParallelDownloads : tasks_.width();
      const auto count = std::min(at_once, pieces_.size());
      while (workers.size() < count) workers.push_back(tasks_.start([this] { work(); }));
    }
    if (!error_) return std::move(identities_);
    targets_.clear();
    for (const auto i : placed_) folder_.remove(files_[i].path);
    return fail(*error_);
  }

 private:
  bool mostly_small() const { return bytes_of(files_) / std::max<std::size_t>(pieces_.size(), 1) < kSmall; }

  void work() {
    while (!failed_) {
      const auto i = next_++;
      if (i >= pieces_.size()) return;
      const auto& piece = pieces_[i];
      const auto fetched = piece.files.size() > 1 ? fetch_several(piece) : fetch_one(piece);
      if (fetched) continue;
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = fetched.error();
      failed_ = true;
    }
  }

  // Damage on the way is not damage in the store: what comes wrong is asked for once more.
  template <class Fetch>
  static Result<void> twice(const Fetch& fetch) {
    auto fetched = fetch();
    if (!fetched && fetched.error().kind == Kind::conflict) fetched = fetch();
    return fetched;
  }

  // ---- several small files in one request

  Result<void> fetch_several(const Piece& piece) {
    const auto& first = files_[piece.files.front()];
    return twice([&]() -> Result<void> {
      std::string bytes;
      bytes.reserve(static_cast<std::size_t>(piece.length));
      const auto got = store_.get(bucket_, first.key, piece.offset, piece.length, [&](std::string_view block) {
        bytes += block;
        return Result<void>{};
      });
      if (!got) return fail(got.error(), "downloading {} and others", first.path);
      if (bytes.size() != piece.length) {
        return fail(Kind::conflict, "downloading {} and others: {} bytes instead of {}", first.path, bytes.size(),
                    piece.length);
      }
      const auto part_of = [&](std::size_t i) {
        return std::string_view(bytes).substr(files_[i].offset - piece.offset, *files_[i].size);
      };
      for (const auto i : piece.files) {
        if (checkpoint::file_hash_of(part_of(i)) != files_[i].hash) return damaged(files_[i]);
      }
      for (const auto i : piece.files) {
        if (auto placed = place_whole(i, part_of(i)); !placed) return placed;
      }
      return {};
    });
  }

  Result<void> place_whole(std::size_t i, std::string_view bytes) {
    const auto& file = files_[i];
    auto target = folder_.create(file.path);
    if (!target) return fail(target.error());
    if (auto written = (*target)->write(0, bytes); !written) return written;
    return keep((*target)->place(file.mtime_ns, file.mode), i);
  }

  // ---- a file, or a range of it

  Result<void> fetch_one(const Piece& piece) {
    const auto i = piece.files.front();
    if (auto opened = open(i); !opened) return opened;
    if (auto got = twice([&] { return fetch_part(i, piece); }); !got) return got;
    {
      const std::lock_guard lock(mutex_);
      if (--targets_[i].pieces_left > 0) return {};
    }
    return finish(i);
  }

  // A file is made when the first of its parts is wanted.
  Result<void> open(std::size_t i) {
    const std::lock_guard lock(mutex_);
    auto& target = targets_[i];
    if (target.file) return {};
    auto file = folder_.create(files_[i].path);
    if (!file) return fail(file.error());
    target.file = std::move(*file);
    if (!files_[i].hash.empty() && files_[i].size) target.hash.emplace(*files_[i].size);
    return {};
  }

  Result<void> fetch_part(std::size_t i, const Piece& piece) {
    const auto& file = files_[i];
    auto& target = targets_[i];
    const auto wanted = piece.length != ports::kToTheEnd ? std::optional{piece.length} : file.size;
    std::optional<checkpoint::HashRun> run;
    if (target.hash) run.emplace(*target.hash, piece.begin);
    std::uint64_t done = 0;
    const auto take = [&](std::string_view block) -> Result<void> {
      if (wanted && done + block.size() > *wanted) return fail(Kind::conflict, "more than {} bytes", *wanted);
      if (run) run->add(block);
      auto written = target.file->write(piece.begin + done, block);
      done += block.size();
      return written;
    };
    const auto got = store_.get(bucket_, file.key, piece.offset, piece.length, take);
    if (!got) return fail(got.error(), "downloading {}", file.path);
    if (wanted && done != *wanted) {
      return fail(Kind::conflict, "downloading {}: {} bytes instead of {}", file.path, done, *wanted);
    }
    return {};
  }

  Result<void> finish(std::size_t i) {
    const auto& file = files_[i];
    auto& target = targets_[i];
    if (target.hash && target.hash->digest() != file.hash) {
      target.hash.emplace(*file.size);
      if (auto got = fetch_part(i, {{i}, file.offset, *file.size, 0}); !got) return got;
      if (target.hash->digest() != file.hash) return damaged(file);
    }
    auto kept = keep(target.file->place(file.mtime_ns, file.mode), i);
    target = {};
    return kept;
  }

  static Result<void> damaged(const Download& file) {
    return fail(Kind::conflict, "downloading {}: its hash does not match, it is damaged", file.path);
  }

  Result<void> keep(Result<FileIdentity> placed, std::size_t i) {
    if (!placed) return fail(placed.error());
    const std::lock_guard lock(mutex_);
    identities_[i] = *placed;
    placed_.push_back(i);
    return {};
  }

  ports::ObjectStore& store_;
  const std::string& bucket_;
  const std::vector<Download>& files_;
  Folder& folder_;
  Tasks& tasks_;
  const std::vector<Piece> pieces_;
  std::vector<Target> targets_;
  std::vector<FileIdentity> identities_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;  // for what follows, and targets and identities
  std::vector<std::size_t> placed_;
  std::optional<Error> error_;
};

}  // namespace

Result<std::vector<FileIdentity>> download_files(ports::ObjectStore& store, const std::string& bucket,
                                                 const std::vector<Download>& files, Folder& folder, Tasks& tasks) {
  for (const auto& file : files) {
    if (!checkpoint::is_safe_path(file.path)) {
      return fail(Kind::invalid, "s3://{}/{}: its name leads out of the directory, or is no file name", bucket,
                  file.key);
    }
  }
  return Downloads(store, bucket, files, folder, tasks).run();
}

}  // namespace holdfast::agent
