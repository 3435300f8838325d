#include "agent/checkpoint_upload.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include "agent/file_source.hpp"
#include "checkpoint/known_writers.hpp"
#include "checkpoint/ledger.hpp"

namespace holdfast::agent {
namespace {

using checkpoint::FileIdentity;
using checkpoint::LocalFile;
using checkpoint::ManifestFile;
using checkpoint::UploadedFile;

// What one task does at a time: one file, or several small ones.
struct Work {
  std::vector<std::size_t> files = {};  // indices
  std::string object = {};
  bool put = false;  // the object may be there now
};

// Contents that are stored already and have the size of one that is to be.
class KnownContents {
 public:
  KnownContents(const Uploader::Known& known, const std::vector<Upload>& wanted) {
    for (const auto& upload : wanted) sizes_.insert(upload.local.identity.size);
    for (const auto* one : known) {
      if (!sizes_.contains(one->file.size)) continue;
      by_hash_.emplace(Content{one->file.size, one->file.hash}, one);
      if (!one->first_block.empty()) beginnings_.emplace(one->file.size, one->first_block);
    }
  }
  // Whether there is one of that size whose beginning is known, and whether one begins with that block.
  bool any(std::uint64_t size) const {
    const auto next = beginnings_.lower_bound({size, {}});
    return next != beginnings_.end() && next->first == size;
  }
  bool begins_with(std::uint64_t size, std::string_view first_block) const {
    return beginnings_.contains({size, first_block});
  }
  const UploadedFile* find(std::uint64_t size, std::string_view hash) const {
    const auto found = by_hash_.find({size, hash});
    return found == by_hash_.end() ? nullptr : found->second;
  }

 private:
  using Content = std::pair<std::uint64_t, std::string_view>;
  std::set<std::uint64_t> sizes_;
  std::map<Content, const UploadedFile*> by_hash_;
  std::set<Content> beginnings_;
};

ManifestFile entry_for(const LocalFile& local, std::string hash, std::string object,
                       std::optional<std::uint64_t> offset) {
  return {.path = local.path,
          .size = local.identity.size,
          .hash = std::move(hash),
          .object = std::move(object),
          .offset = offset,
          .mtime_ns = local.identity.mtime_ns,
          .mode = local.mode};
}

class Run {
 public:
  Run(ports::ObjectStore& store, const CheckpointPlace& place, Folder& folder, const Uploader::Known& known,
      const std::function<bool()>& over, Uploader::Expect expect, const Uploader::Opened& opened,
      std::vector<Upload>& files)
      : store_(store),
        place_(place),
        folder_(folder),
        known_(known, files),
        over_(over),
        expect_(expect),
        opened_(opened),
        files_(files) {}

  void perform(Work& work) {
    if (over_()) return;
    if (work.files.size() > 1) {
      upload_together(work);
    } else {
      upload_one(work, files_[work.files.front()]);
    }
  }

 private:
  bool as_seen(const OpenFile& opened, const Upload& upload) const {
    const auto now = opened.identity();
    const auto& seen = upload.local.identity;
    if (expect_ == Uploader::Expect::unchanged) return now == seen;
    if (!now || now->device != seen.device || now->inode != seen.inode) return false;
    const bool may_grow = checkpoint::is_log(upload.local.path, seen.size) != checkpoint::Log::no;
    if (expect_ == Uploader::Expect::grown || may_grow) return now->size >= seen.size;
    // Another name, or none, is a change of the inode and none of the file.
    return now->size == seen.size && now->mtime_ns == seen.mtime_ns;
  }

  // Null: there is none.
  std::shared_ptr<OpenFile> open(const Upload& upload) const {
    if (expect_ == Uploader::Expect::opened) return opened_[static_cast<std::size_t>(&upload - files_.data())];
    auto opened = folder_.open(upload.local.path);
    return opened ? std::shared_ptr<OpenFile>(std::move(*opened)) : nullptr;
  }

  bool is_what_its_path_names(const Upload& upload) const {
    if (expect_ == Uploader::Expect::opened) return true;
    const auto now_there = open(upload);
    return now_there && as_seen(*now_there, upload);
  }

  // ---- one file

  void upload_one(Work& work, Upload& upload) {
    upload.came = Upload::Came::changed;
    const auto opened = open(upload);
    if (!opened || !as_seen(*opened, upload)) return;
    if (const auto* same = stored_already(*opened, upload)) {
      if (as_seen(*opened, upload))
        keep(upload, same->file.hash, same->file.object, same->file.offset, same->first_block);
      return;
    }
    HashingSource source(*opened, upload.local.identity.size);
    work.put = true;
    const auto put = store_.put(place_.bucket, place_.own_key(work.object), source);
    if (!put) return came_back(upload, put.error());
    if (!as_seen(*opened, upload) || !is_what_its_path_names(upload)) return;
    upload.sent = source.size();
    keep(upload, source.hash().digest(), work.object, std::nullopt, source.hash().first_block());
  }

  // The whole file is read only where its beginning is that of something known.
  const UploadedFile* stored_already(OpenFile& opened, const Upload& upload) {
    const auto size = upload.local.identity.size;
    if (!known_.any(size)) return nullptr;
    checkpoint::FileHash hash(size);
    std::string block(static_cast<std::size_t>(std::min<std::uint64_t>(size, checkpoint::kHashBlock)), '\0');
    if (!opened.read(0, block)) return nullptr;
    hash.add(0, block);
    if (!known_.begins_with(size, hash.first_block())) return nullptr;
    for (std::uint64_t at = block.size(); at < size; at += block.size()) {
      block.resize(static_cast<std::size_t>(std::min<std::uint64_t>(size - at, block.size())));
      if (!opened.read(at, block)) return nullptr;
      hash.add(at, block);
    }
    return known_.find(size, hash.digest());
  }

  // ---- several small ones

  void upload_together(Work& work) {
    std::string bytes;
    std::vector<std::pair<std::size_t, std::uint64_t>> taken;  // which, and where each begins
    for (const auto i : work.files) {
      auto& upload = files_[i];
      const auto begin = bytes.size();
      if (read_behind(bytes, upload)) {
        taken.emplace_back(i, begin);
      } else {
        bytes.resize(begin);
      }
    }
    if (taken.empty()) return;
    work.put = true;
    const auto put = store_.put_bytes(place_.bucket, place_.own_key(work.object), bytes);
    for (const auto& [i, begin] : taken) {
      auto& upload = files_[i];
      if (!put) {
        came_back(upload, put.error());
        continue;
      }
      upload.sent = upload.local.identity.size;
      keep(upload, std::move(upload.stored.file.hash), work.object, begin, std::move(upload.stored.first_block));
    }
  }

  // False: it is not to be stored, because it has changed, or is stored already.
  bool read_behind(std::string& bytes, Upload& upload) {
    upload.came = Upload::Came::changed;
    const auto begin = bytes.size();
    const auto size = static_cast<std::size_t>(upload.local.identity.size);
    const auto opened = open(upload);
    if (!opened || !as_seen(*opened, upload)) return false;
    bytes.resize(begin + size);
    if (!opened->read(0, std::span(bytes).subspan(begin)) || !as_seen(*opened, upload)) return false;
    checkpoint::FileHash hash(size);
    hash.add(0, std::string_view(bytes).substr(begin));
    const auto digest = hash.digest();
    if (const auto* same = known_.find(size, digest)) {
      keep(upload, digest, same->file.object, same->file.offset, hash.first_block());
      return false;
    }
    upload.stored.file.hash = digest;
    upload.stored.first_block = hash.first_block();
    return true;
  }

  static void came_back(Upload& upload, const Error& error) {
    upload.came = error.kind == Kind::conflict ? Upload::Came::changed : Upload::Came::failed;
    upload.error = error;
  }
  static void keep(Upload& upload, std::string hash, std::string object, std::optional<std::uint64_t> offset,
                   std::string first_block) {
    upload.came = Upload::Came::stored;
    upload.stored = {upload.local.identity, entry_for(upload.local, std::move(hash), std::move(object), offset),
                     std::move(first_block)};
  }

  ports::ObjectStore& store_;
  const CheckpointPlace& place_;
  Folder& folder_;
  const KnownContents known_;
  const std::function<bool()>& over_;
  const Uploader::Expect expect_;
  const Uploader::Opened& opened_;
  std::vector<Upload>& files_;
};

// Names of one file (hard links) are one upload: the first stands for all.
std::vector<std::size_t> first_names(const std::vector<LocalFile>& files) {
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> seen;
  std::vector<std::size_t> first(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    first[i] = seen.try_emplace({files[i].identity.device, files[i].identity.inode}, i).first->second;
  }
  return first;
}

std::vector<Work> share_out(const std::vector<LocalFile>& files, const std::vector<std::size_t>& first,
                            std::size_t pack_at_least) {
  std::vector<Work> works;
  std::vector<std::size_t> small;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (first[i] != i) continue;
    if (files[i].identity.size <= kSmallFile) {
      small.push_back(i);
    } else {
      works.push_back({.files = {i}});
    }
  }
  std::uint64_t bytes = 0;
  const bool together = small.size() >= pack_at_least;
  for (const auto i : small) {
    const bool joins = together && bytes > 0 && bytes + files[i].identity.size <= kPackBytes;
    if (!joins) {
      works.push_back({});
      bytes = 1;  // files may be empty
    }
    works.back().files.push_back(i);
    bytes += files[i].identity.size;
  }
  return works;
}

}  // namespace

Uploader::Outcome Uploader::run(const std::vector<LocalFile>& files, const Known& known,
                                const std::function<bool()>& over, Expect expect, const Opened& opened) {
  Outcome outcome;
  for (const auto& file : files) outcome.files.push_back({.local = file});
  const auto first = first_names(files);
  auto works = share_out(files, first, pack_at_least_);
  for (auto& work : works) work.object = checkpoint::data_name({fence_, next_object_++});
  {
    Run run(store_, place_, folder_, known, over, expect, opened, outcome.files);
    static_cast<void>(for_each(tasks_, kParallelUploads, works.size(), [&](std::size_t i) {
      run.perform(works[i]);
      return Result<void>{};
    }));
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (first[i] == i) continue;
    const auto& other = outcome.files[first[i]];
    auto& upload = outcome.files[i];
    upload.came = other.came;
    upload.error = other.error;
    if (other.came != Upload::Came::stored) continue;
    if (files[i].identity != files[first[i]].identity) {
      upload.came = Upload::Came::changed;
      continue;
    }
    upload.stored = {files[i].identity,
                     entry_for(files[i], other.stored.file.hash, other.stored.file.object, other.stored.file.offset),
                     other.stored.first_block};
  }
  for (auto& work : works) {
    if (work.put) outcome.objects.push_back(std::move(work.object));
  }
  return outcome;
}

}  // namespace holdfast::agent
