// What bench/s3_sink knows of its objects: names, sizes, etags, and contents where they are kept.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "s3_sink_request.hpp"

namespace holdfast::bench {

inline std::string time_text(std::time_t at, const char* format) {
  std::tm parts{};
  ::gmtime_r(&at, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, format, &parts)};
}
inline std::string iso_time(std::time_t at) { return time_text(at, "%Y-%m-%dT%H:%M:%S.000Z"); }
inline std::string http_time(std::time_t at) { return time_text(at, "%a, %d %b %Y %H:%M:%S GMT"); }

// Gone with the last object that needs it.
struct KeptFile {
  explicit KeptFile(std::string where) : path(std::move(where)) {}
  ~KeptFile() { ::unlink(path.c_str()); }
  KeptFile(const KeptFile&) = delete;
  KeptFile& operator=(const KeptFile&) = delete;
  const std::string path;
};

// A body or a part of one: in memory, in a file, or not kept at all.
struct Bytes {
  std::uint64_t size = 0;
  std::string memory;
  std::shared_ptr<KeptFile> file;
};

struct Object {
  std::uint64_t size = 0;
  std::string etag;
  std::string notes;     // its x-amz-meta-* and Content-Type, as header lines
  std::string checksum;  // x-amz-checksum-crc32c of a single put
  std::vector<Bytes> pieces;
  std::time_t modified = std::time(nullptr);
};

class Shelf {
 public:
  explicit Shelf(std::string folder) : folder_(std::move(folder)) {}

  std::atomic<std::uint64_t> received = 0;  // bytes of large bodies, as they come

  bool has_folder() const { return !folder_.empty(); }
  bool keeps(const std::string& key) const { return has_folder() || key.find("/ledger/") != std::string::npos; }
  std::shared_ptr<KeptFile> new_file() {
    return std::make_shared<KeptFile>(fmt::format("{}/body-{}", folder_, next_++));
  }

  // Of an object, or of a part where the query says so; answers its etag.
  std::string put(const Request& request, Bytes bytes) {
    // A client that told the MD5 may compare; others are told of an etag that is none.
    const auto md5 = request.header("content-md5");
    auto etag = md5.empty() ? fmt::format("{:032x}-1", next_++) : hex_of_base64(md5);
    Object object{.size = bytes.size,
                  .etag = etag,
                  .notes = notes_of(request),
                  .checksum = request.header("x-amz-checksum-crc32c"),
                  .pieces = {}};
    object.pieces.push_back(std::move(bytes));
    const auto upload = request.query.find("uploadId");
    const std::lock_guard lock(mutex_);
    if (upload == request.query.end()) {
      objects_[request.bucket][request.key] = std::make_shared<Object>(std::move(object));
    } else if (const auto known = uploads_.find(upload->second); known != uploads_.end()) {
      known->second.parts[number_of(request.query.at("partNumber"), 0)] = std::move(object);
    }
    return etag;
  }

  std::string begin_upload(const Request& request) {
    const std::lock_guard lock(mutex_);
    const auto id = fmt::format("upload-{}", next_++);
    uploads_[id].notes = notes_of(request);
    return id;
  }
  void forget_upload(const std::string& id) {
    const std::lock_guard lock(mutex_);
    uploads_.erase(id);
  }
  std::string complete(const std::string& id, const Request& request) {
    const std::lock_guard lock(mutex_);
    const auto upload = uploads_.extract(id);
    if (!upload) return "";
    Object object;
    object.notes = upload.mapped().notes;
    for (auto& [number, part] : upload.mapped().parts) {
      object.size += part.size;
      for (auto& piece : part.pieces) object.pieces.push_back(std::move(piece));
    }
    object.etag = fmt::format("{:032x}-{}", next_++, upload.mapped().parts.size());
    auto etag = object.etag;
    objects_[request.bucket][request.key] = std::make_shared<Object>(std::move(object));
    return etag;
  }
  std::string parts(const std::string& id) {
    std::string xml = "<ListPartsResult><IsTruncated>false</IsTruncated>";
    const std::lock_guard lock(mutex_);
    for (const auto& [number, part] : uploads_[id].parts) {
      xml += fmt::format("<Part><PartNumber>{}</PartNumber><Size>{}</Size><ETag>&quot;{}&quot;</ETag></Part>", number,
                         part.size, part.etag);
    }
    return xml + "</ListPartsResult>";
  }

  std::shared_ptr<const Object> find(const std::string& bucket, const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto& objects = objects_[bucket];
    const auto found = objects.find(key);
    return found == objects.end() ? nullptr : found->second;
  }
  std::string copy(std::string source, const Request& request) {
    source = percent_decoded(source);
    if (source.starts_with('/')) source.erase(0, 1);
    const auto slash = source.find('/');
    if (slash == std::string::npos) return "";
    const auto original = find(source.substr(0, slash), source.substr(slash + 1));
    if (!original) return "";
    const std::lock_guard lock(mutex_);
    objects_[request.bucket][request.key] = original;
    return original->etag;
  }
  void remove(const std::string& bucket, const std::string& key) {
    const std::lock_guard lock(mutex_);
    objects_[bucket].erase(key);
  }
  // Each <Key> of a multi-object delete.
  void remove_all(const std::string& bucket, std::string_view xml) {
    for (auto at = xml.find("<Key>"); at != std::string_view::npos; at = xml.find("<Key>", at + 5)) {
      remove(bucket, std::string(xml.substr(at + 5, xml.find("</Key>", at) - at - 5)));
    }
  }

  std::string buckets() {
    std::string xml = "<ListAllMyBucketsResult><Buckets>";
    const std::lock_guard lock(mutex_);
    for (const auto& [name, objects] : objects_) {
      xml += fmt::format("<Bucket><Name>{}</Name><CreationDate>{}</CreationDate></Bucket>", name, iso_time(0));
    }
    return xml + "</Buckets></ListAllMyBucketsResult>";
  }

  // Both versions of ListObjects.
  std::string list(const Request& request) {
    const auto value = [&](const char* name) {
      const auto found = request.query.find(name);
      return found == request.query.end() ? std::string() : found->second;
    };
    const auto prefix = value("prefix"), delimiter = value("delimiter");
    const auto limit = std::min<std::uint64_t>(number_of(value("max-keys"), 1000), 1000);
    const auto after = std::max({value("start-after"), value("continuation-token"), value("marker")});
    std::string contents, last;
    std::set<std::string> folders;
    std::uint64_t count = 0;
    bool truncated = false;
    const std::lock_guard lock(mutex_);
    const auto& objects = objects_[request.bucket];
    auto next = after > prefix ? objects.upper_bound(after) : objects.lower_bound(prefix);
    for (; next != objects.end() && next->first.starts_with(prefix); ++next) {
      const auto& [key, object] = *next;
      const auto cut = delimiter.empty() ? std::string::npos : key.find(delimiter, prefix.size());
      const auto folder = cut == std::string::npos ? "" : key.substr(0, cut + delimiter.size());
      if (!folder.empty() && (folders.contains(folder) || folder <= after)) continue;
      if (count == limit) {
        truncated = true;
        break;
      }
      ++count;
      last = folder.empty() ? key : folder + "\xf4\x8f\xbf\xbf";
      if (!folder.empty()) {
        folders.insert(folder);
        continue;
      }
      contents += fmt::format(
          "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>&quot;{}&quot;</ETag><Size>{}"
          "</Size><StorageClass>STANDARD</StorageClass></Contents>",
          xml_text(key), iso_time(object->modified), object->etag, object->size);
    }
    for (const auto& folder : folders)
      contents += "<CommonPrefixes><Prefix>" + xml_text(folder) + "</Prefix></CommonPrefixes>";
    auto xml = fmt::format(
        "<ListBucketResult><Name>{}</Name><Prefix>{}</Prefix><KeyCount>{}</KeyCount><MaxKeys>{}</MaxKeys>"
        "<IsTruncated>{}</IsTruncated>",
        request.bucket, xml_text(prefix), count, limit, truncated);
    if (truncated)
      xml +=
          fmt::format("<NextContinuationToken>{0}</NextContinuationToken><NextMarker>{0}</NextMarker>", xml_text(last));
    return xml + contents + "</ListBucketResult>";
  }

 private:
  struct Upload {
    std::string notes;
    std::map<std::uint64_t, Object> parts;
  };

  static std::string notes_of(const Request& request) {
    std::string notes;
    for (const auto& [name, header] : request.headers) {
      if (name.starts_with("x-amz-meta-")) notes += name + ": " + header + "\r\n";
    }
    return notes;
  }

  static std::string hex_of_base64(std::string_view text) {
    static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string hex;
    unsigned bits = 0, count = 0;
    for (const char c : text) {
      const auto digit = kDigits.find(c);
      if (digit == std::string_view::npos) break;
      bits = (bits << 6) | static_cast<unsigned>(digit);
      count += 6;
      if (count >= 8) hex += fmt::format("{:02x}", (bits >> (count -= 8)) & 0xff);
    }
    return hex;
  }

  const std::string folder_;  // empty: bodies are not kept
  std::atomic<std::uint64_t> next_ = 1;
  std::mutex mutex_;
  std::map<std::string, std::map<std::string, std::shared_ptr<const Object>>> objects_;
  std::map<std::string, Upload> uploads_;
};

}  // namespace holdfast::bench
