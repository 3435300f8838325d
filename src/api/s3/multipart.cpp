#include "api/s3/multipart.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <system_error>

#include "api/operations/page_token.hpp"
#include "api/s3/attributes.hpp"
#include "base/log.hpp"

namespace holdfast::api::s3 {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxTarget = 4096;
constexpr std::size_t kMaxHeaders = 16 * 1024;
constexpr std::size_t kMaxIdLength = 64;
constexpr std::size_t kMd5Digits = 32;
constexpr std::size_t kNumberDigits = 5;
constexpr const char* kAlgorithmHeader = "x-amz-checksum-algorithm";
constexpr const char* kTypeHeader = "x-amz-checksum-type";

// An id becomes a directory's name.
bool is_id(const std::string& id) {
  return !id.empty() && id.size() <= kMaxIdLength && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '-';
  });
}

std::string part_prefix(int number) { return fmt::format("{:05}-", number); }

std::string file_name(const Part& part) {
  const auto name = part_prefix(part.number) + part.md5;
  if (!part.checksum) return name;
  return fmt::format("{}-{}-{}", name, name_of(part.checksum->algorithm), aws::to_hex(part.checksum->bytes));
}

// Of a file in an upload's directory; nothing for those that are no parts.
std::optional<Part> part_of(const std::string& name) {
  if (name.size() < kNumberDigits + 1 + kMd5Digits || name[kNumberDigits] != '-') return std::nullopt;
  const auto number = number_in(std::string_view(name).substr(0, kNumberDigits));
  if (!number) return std::nullopt;
  Part part;
  part.number = static_cast<int>(*number);
  part.md5 = name.substr(kNumberDigits + 1, kMd5Digits);
  const auto said = std::string_view(name).substr(kNumberDigits + 1 + kMd5Digits);
  if (said.empty()) return part;
  const auto dash = said.find('-', 1);
  if (said[0] != '-' || dash == said.npos) return std::nullopt;
  const auto algorithm = checksum_named(said.substr(1, dash - 1));
  auto bytes = from_hex(said.substr(dash + 1));
  if (!algorithm || !bytes) return std::nullopt;
  part.checksum = Checksum{*algorithm, std::move(*bytes)};
  return part;
}

// Is it what its client says it is, if that says anything?
bool has_checksum(const Part& part, const PartName& name) {
  if (!name.algorithm) return true;
  return part.checksum && part.checksum->algorithm == *name.algorithm &&
         part.checksum->base64() == name.checksum_base64;
}

Instant modified_of(const struct stat& status) {
  return from_ms(status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1'000'000);
}

S3Error no_such_upload() {
  return {404, "NoSuchUpload",
          "The specified multipart upload does not exist. The upload ID might be invalid, or the multipart upload "
          "might have been aborted or completed."};
}
S3Error invalid_part(int number) {
  return {400, "InvalidPart", fmt::format("Part {} could not be found, or its ETag or checksum is another.", number)};
}
S3Error from(const Error& error) {
  log_error("a multipart upload: {}", error.message);
  return error.kind == Kind::no_space ? S3Error{503, "SlowDown", "There is no space left for uploads."}
                                      : S3Error{500, "InternalError", "We encountered an internal error."};
}

}  // namespace

std::optional<ChecksumAlgorithm> OpenUpload::algorithm() const { return checksum_named(headers.get(kAlgorithmHeader)); }
std::string OpenUpload::checksum_type() const { return std::string(headers.get(kTypeHeader)); }

S3Result<void> MultipartUploads::create(const std::string& id, const std::string& bucket, const std::string& key,
                                        const http::Headers& headers) {
  const auto notes = encode_notes(headers);
  if (!notes) return tl::unexpected(notes.error());
  const std::lock_guard lock(mutex_);
  std::error_code ignored;
  const auto open = [&] { return std::distance(fs::directory_iterator(directory_, ignored), {}); };
  if (open() >= kMaxOpenUploads) forget_old_ones();
  if (open() >= kMaxOpenUploads)
    return tl::unexpected(S3Error{503, "SlowDown", "Too many multipart uploads are open; abort some."});
  if (auto made = make_directories(directory_ / id); !made) return tl::unexpected(from(made.error()));
  // The target last: with it the upload exists.
  for (const auto& [name, text] : {std::pair{"headers", *notes}, {"target", bucket + "\n" + key}})
    if (auto written = write_file_atomically(directory_ / id / name, text, 0600); !written)
      return tl::unexpected(from(written.error()));
  return {};
}

std::optional<OpenUpload> MultipartUploads::read(const std::string& id) const {
  if (!is_id(id)) return std::nullopt;
  const auto path = directory_ / id / "target";
  const auto target = read_file(path, kMaxTarget);
  struct stat status {};
  if (!target || ::stat(path.c_str(), &status) != 0) return std::nullopt;
  const auto end = target->find('\n');
  if (end == std::string::npos) return std::nullopt;
  const auto headers = read_file(directory_ / id / "headers", kMaxHeaders);
  return OpenUpload{id, target->substr(0, end), target->substr(end + 1), modified_of(status),
                    decode_notes(headers ? *headers : std::string())};
}

S3Result<OpenUpload> MultipartUploads::find(const std::string& id, const std::string& bucket,
                                            const std::string& key) const {
  auto upload = read(id);
  if (!upload || upload->bucket != bucket || upload->key != key) return tl::unexpected(no_such_upload());
  return std::move(*upload);
}

S3Result<void> MultipartUploads::add(const OpenUpload& upload, int number, Upload& part) {
  // It was answered for: the power must not leave its name without its bytes.
  if (::fdatasync(part.fd()) != 0) return tl::unexpected(from(fail_errno("keeping a part", errno).value()));
  const auto name = file_name({number, part.md5(), part.checksum(), part.size(), {}});
  const std::lock_guard lock(mutex_);
  if (!read(upload.id)) return tl::unexpected(no_such_upload());
  std::error_code error;
  const auto file = part.give_away();
  fs::rename(file, directory_ / upload.id / name, error);
  if (error) {
    ::unlink(file.c_str());
    return tl::unexpected(from({Kind::permanent, "keeping a part: " + error.message()}));
  }
  for (const auto& entry : fs::directory_iterator(directory_ / upload.id, error)) {
    const std::string other = entry.path().filename();
    if (other.starts_with(part_prefix(number)) && other != name) fs::remove(entry.path(), error);
  }
  return {};
}

S3Result<std::vector<Part>> MultipartUploads::parts(const OpenUpload& upload) const {
  std::map<int, Part> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory_ / upload.id, error)) {
    auto part = part_of(entry.path().filename());
    struct stat status {};
    if (!part || ::stat(entry.path().c_str(), &status) != 0) continue;
    part->size = static_cast<std::uint64_t>(status.st_size);
    part->modified = modified_of(status);
    // Of two, which a crash can leave, the newer one.
    auto& known = found[part->number];
    if (known.number == 0 || known.modified < part->modified) known = std::move(*part);
  }
  if (error) return tl::unexpected(no_such_upload());
  std::vector<Part> parts;
  for (auto& [_, part] : found) parts.push_back(std::move(part));
  return parts;
}

S3Result<std::vector<Part>> MultipartUploads::chosen(const OpenUpload& upload,
                                                     const std::vector<PartName>& names) const {
  const auto all = parts(upload);
  if (!all) return all;
  std::vector<Part> chosen;
  for (const auto& name : names) {
    if (!chosen.empty() && name.number <= chosen.back().number)
      return tl::unexpected(S3Error{400, "InvalidPartOrder", "The list of parts was not in ascending order."});
    const auto part =
        std::find_if(all->begin(), all->end(), [&](const Part& one) { return one.number == name.number; });
    if (part == all->end() || part->md5 != name.md5) return tl::unexpected(invalid_part(name.number));
    if (!has_checksum(*part, name)) return tl::unexpected(invalid_part(name.number));
    chosen.push_back(*part);
  }
  return chosen;
}

S3Result<void> MultipartUploads::join(const OpenUpload& upload, const std::vector<Part>& parts, int fd) const {
  for (const auto& part : parts) {
    const fs::path path = directory_ / upload.id / file_name(part);
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return tl::unexpected(invalid_part(part.number));
    const auto copied = copy_contents(file.get(), fd, "joining parts");
    if (!copied) return tl::unexpected(from(copied.error()));
    if (*copied != part.size) return tl::unexpected(invalid_part(part.number));
  }
  return {};
}

void MultipartUploads::remove(const std::string& id) {
  if (!is_id(id)) return;
  const std::lock_guard lock(mutex_);
  std::error_code error;
  // First, so that no half of an upload is ever taken for one.
  fs::remove(directory_ / id / "target", error);
  fs::remove_all(directory_ / id, error);
  if (error) log_warn("removing multipart upload {}: {}", id, error.message());
}

std::vector<OpenUpload> MultipartUploads::open_uploads(const std::string& bucket) const {
  std::vector<OpenUpload> uploads;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory_, error)) {
    auto upload = read(entry.path().filename());
    if (upload && upload->bucket == bucket) uploads.push_back(std::move(*upload));
  }
  std::sort(uploads.begin(), uploads.end(), [](const OpenUpload& a, const OpenUpload& b) {
    return std::tie(a.key, a.begun, a.id) < std::tie(b.key, b.begun, b.id);
  });
  return uploads;
}

// With mutex_ held.
void MultipartUploads::forget_old_ones() {
  const Instant now = clock_.now();
  std::error_code error;
  std::vector<fs::path> old;
  for (const auto& entry : fs::directory_iterator(directory_, error)) {
    struct stat status {};
    if (::stat(entry.path().c_str(), &status) != 0) continue;
    if (now - Instant{seconds{status.st_mtim.tv_sec}} > kMaxUploadAge) old.push_back(entry.path());
  }
  for (const auto& path : old) fs::remove_all(path, error);
}

}  // namespace holdfast::api::s3
