#include "agent/artifacts.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "base/file.hpp"
#include "ports/sources.hpp"

namespace holdfast::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlock = 1u << 20;
constexpr std::size_t kMaxEntries = 1'000'000;
constexpr std::size_t kMaxPassedOver = 100;

struct FreeArchive {
  void operator()(archive* out) const { archive_write_free(out); }
};
struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};
using Archive = std::unique_ptr<archive, FreeArchive>;

tl::unexpected<Error> fail_archive(archive* out, const std::string& what) {
  const auto* why = archive_error_string(out);
  const auto kind = archive_errno(out) == ENOSPC || archive_errno(out) == EDQUOT ? Kind::no_space : Kind::permanent;
  return fail(kind, "{}: {}", what, why == nullptr ? "unknown trouble" : why);
}

// Everything below `directory`, by path. Links are listed, not followed.
Result<std::vector<std::string>> paths_below(const fs::path& directory) {
  std::vector<std::string> paths;
  std::error_code error;
  if (!fs::exists(directory, error)) return paths;
  fs::recursive_directory_iterator next(directory, error), end;
  for (; !error && next != end; next.increment(error)) {
    paths.push_back(next->path().lexically_relative(directory).string());
    if (paths.size() > kMaxEntries)
      return fail(Kind::invalid, "{}: more than {} files", directory.string(), kMaxEntries);
  }
  if (error) return fail_errno("reading " + directory.string(), error.value());
  std::ranges::sort(paths);
  return paths;
}

class ArchiveWriter {
 public:
  ArchiveWriter(const fs::path& source, archive* out) : source_(source), out_(out), block_(kBlock, '\0') {}

  Result<void> add(const std::string& path) {
    const auto full = source_ / path;
    struct stat status {};
    if (::lstat(full.c_str(), &status) != 0) return fail_errno("reading " + full.string(), errno);
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode) && !S_ISLNK(status.st_mode)) return {};
    Fd file;
    if (S_ISREG(status.st_mode)) {
      file = Fd{::open(full.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
      if (!file || ::fstat(file.get(), &status) != 0) return fail_errno("reading " + full.string(), errno);
    }
    if (auto written = add_header(path, full, status); !written) return written;
    return file ? add_contents(full.string(), file.get(), static_cast<std::uint64_t>(status.st_size)) : Result<void>{};
  }

 private:
  // No owner: whoever unpacks it becomes that.
  Result<void> add_header(const std::string& path, const fs::path& full, const struct stat& status) {
    const std::unique_ptr<archive_entry, FreeEntry> entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), path.c_str());
    archive_entry_set_mode(entry.get(), status.st_mode);
    archive_entry_set_mtime(entry.get(), status.st_mtim.tv_sec, 0);
    if (S_ISREG(status.st_mode)) archive_entry_set_size(entry.get(), status.st_size);
    if (S_ISLNK(status.st_mode)) {
      std::error_code error;
      const auto target = fs::read_symlink(full, error);
      if (error) return fail_errno("reading the link " + full.string(), error.value());
      archive_entry_set_symlink(entry.get(), target.c_str());
    }
    if (archive_write_header(out_, entry.get()) < ARCHIVE_WARN) return fail_archive(out_, "archiving " + full.string());
    return {};
  }

  Result<void> add_contents(const std::string& what, int fd, std::uint64_t size) {
    for (std::uint64_t done = 0; done < size;) {
      const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size - done, block_.size()));
      const auto n = ::read(fd, block_.data(), wanted);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail_errno("reading " + what, errno);
      if (n == 0) return fail(Kind::try_again, "archiving {}: it became shorter meanwhile", what);
      if (archive_write_data(out_, block_.data(), static_cast<std::size_t>(n)) != n) {
        return fail_archive(out_, "archiving " + what);
      }
      done += static_cast<std::uint64_t>(n);
    }
    return {};
  }

  const fs::path& source_;
  archive* out_;
  std::string block_;
};

Result<void> write_archive(const fs::path& source, const std::vector<std::string>& paths, int target) {
  const Archive out(archive_write_new());
  // GNU's format takes names of any length and bytes. Model weights hardly compress: the fastest level, and no time
  // stamp, so that the same files make the same bytes.
  const bool ready = archive_write_set_format_gnutar(out.get()) == ARCHIVE_OK &&
                     archive_write_add_filter_gzip(out.get()) == ARCHIVE_OK &&
                     archive_write_set_options(out.get(), "gzip:compression-level=1,gzip:!timestamp") == ARCHIVE_OK &&
                     archive_write_open_fd(out.get(), target) == ARCHIVE_OK;
  if (!ready) return fail_archive(out.get(), "archiving " + source.string());
  ArchiveWriter writer(source, out.get());
  for (const auto& path : paths) {
    if (auto added = writer.add(path); !added) return added;
  }
  if (archive_write_close(out.get()) != ARCHIVE_OK) return fail_archive(out.get(), "archiving " + source.string());
  return {};
}

Result<StoredArtifact> store_archive(ports::ObjectStore& store, const fs::path& source,
                                     const std::vector<std::string>& paths, const ports::S3Location& where,
                                     const fs::path& scratch) {
  if (auto made = make_directories(scratch); !made) return fail(made.error());
  auto name = (scratch / "archive-XXXXXX").string();
  const Fd file{::mkostemp(name.data(), O_CLOEXEC)};
  if (!file) return fail_errno("creating an archive in " + scratch.string(), errno);
  ::unlink(name.c_str());  // nothing is left of it, whatever happens
  if (auto written = write_archive(source, paths, file.get()); !written) return fail(written.error());
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return fail_errno("looking at the archive", errno);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  ports::FileSource bytes(file.get(), size);
  if (auto put = store.put(where.bucket, where.key, bytes); !put) {
    return fail(put.error(), "uploading s3://{}/{}", where.bucket, where.key);
  }
  return StoredArtifact{where, size};
}

// A file, or what a link below the directory leads to, as long as that lies there too.
Result<Fd> open_below(const fs::path& directory, const std::string& path) {
  std::error_code error;
  const auto top = fs::canonical(directory, error);
  if (error) return fail_errno("reading " + directory.string(), error.value());
  const auto real = fs::canonical(directory / path, error);
  if (error) return fail(Kind::invalid, "a link that leads nowhere");
  const auto inside = real.lexically_relative(top);
  if (inside.empty() || *inside.begin() == "..") return fail(Kind::invalid, "a link that leads out of the model");
  struct stat status {};
  if (::stat(real.c_str(), &status) != 0) return fail_errno("reading " + real.string(), errno);
  if (S_ISDIR(status.st_mode)) return fail(Kind::invalid, "a link to a folder");
  if (!S_ISREG(status.st_mode)) return fail(Kind::invalid, "no file");
  Fd file{::open(real.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!file) return fail_errno("reading " + real.string(), errno);
  return file;
}

// Kind::invalid: it cannot be an object.
Result<void> store_file(ports::ObjectStore& store, const fs::path& directory, const std::string& path,
                        const ports::S3Location& where) {
  const auto file = open_below(directory, path);
  if (!file) return fail(file.error());
  struct stat status {};
  if (::fstat(file->get(), &status) != 0) return fail_errno("looking at " + path, errno);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  ports::FileSource bytes(file->get(), size);
  auto put = store.put(where.bucket, where.key, bytes);
  if (!put) return fail(put.error(), "uploading s3://{}/{}", where.bucket, where.key);
  return {};
}

}  // namespace

ports::S3Location artifact_location(const ports::S3Location& output, const JobName& job, std::string_view file) {
  return {output.bucket, fmt::format("{}{}/output/{}", ports::folder_prefix(output), job.value, file)};
}

Result<StoredArtifact> store_model(ports::ObjectStore& store, const ports::S3Location& output, const JobName& job,
                                   const fs::path& model_dir, const fs::path& scratch) {
  const auto paths = paths_below(model_dir);
  if (!paths) return fail(paths.error());
  return store_archive(store, model_dir, *paths, artifact_location(output, job, "model.tar.gz"), scratch);
}

Result<std::vector<std::string>> store_model_files(ports::ObjectStore& store, const ports::S3Location& output,
                                                   const JobName& job, const fs::path& model_dir) {
  const auto paths = paths_below(model_dir);
  if (!paths) return fail(paths.error());
  std::vector<std::string> passed_over;
  for (const auto& path : *paths) {
    std::error_code error;
    if (fs::symlink_status(model_dir / path, error).type() == fs::file_type::directory) continue;
    auto stored = store_file(store, model_dir, path, artifact_location(output, job, "model/" + path));
    if (stored) continue;
    if (stored.error().kind != Kind::invalid) return fail(stored.error());
    if (passed_over.size() < kMaxPassedOver) passed_over.push_back(path + ": " + stored.error().message);
  }
  return passed_over;
}

Result<std::optional<StoredArtifact>> store_output_data(ports::ObjectStore& store, const ports::S3Location& output,
                                                        const JobName& job, const fs::path& output_data_dir,
                                                        const fs::path& scratch) {
  const auto paths = paths_below(output_data_dir);
  if (!paths) return fail(paths.error());
  if (paths->empty()) return std::optional<StoredArtifact>{};
  auto stored = store_archive(store, output_data_dir, *paths, artifact_location(output, job, "output.tar.gz"), scratch);
  if (!stored) return fail(stored.error());
  return std::optional{std::move(*stored)};
}

}  // namespace holdfast::agent
