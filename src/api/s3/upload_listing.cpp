#include "api/s3/upload_listing.hpp"

#include <algorithm>

#include "api/s3/listing.hpp"

namespace holdfast::api::s3 {

namespace {

// Which uploads the pages before this one have not shown.
class Behind {
 public:
  Behind(const UploadList& list, const std::vector<OpenUpload>& all)
      : list_(list),
        marks_folder_(!list.key_marker.empty() &&
                      folder_of(list.key_marker, list.prefix, list.delimiter) == list.key_marker),
        marked_(std::any_of(all.begin(), all.end(), [&](const auto& one) { return is_marked(one); })) {}

  // Of each upload in turn: those of the marker's own key are passed over up to the marked one.
  bool operator()(const OpenUpload& upload) {
    if (marks_folder_ && upload.key.starts_with(list_.key_marker)) return false;
    const bool behind = upload.key > list_.key_marker || (upload.key == list_.key_marker && marked_ && passed_);
    if (is_marked(upload)) passed_ = true;
    return behind;
  }

 private:
  bool is_marked(const OpenUpload& upload) const {
    return upload.key == list_.key_marker && upload.id == list_.id_marker;
  }

  const UploadList& list_;
  bool marks_folder_;
  bool marked_;
  bool passed_ = false;
};

}  // namespace

S3Result<UploadList> upload_list_of(const S3Request& request) {
  const auto most = number_of(request, "max-uploads", kMaxUploadsPerPage);
  if (!most) return tl::unexpected(most.error());
  if (const auto encoding = request.value("encoding-type"); !encoding.empty() && encoding != "url")
    return tl::unexpected(invalid_argument("Invalid Encoding Method specified in Request"));
  UploadList list;
  list.bucket = request.bucket;
  list.prefix = request.value("prefix");
  list.delimiter = request.value("delimiter");
  list.key_marker = request.value("key-marker");
  list.id_marker = list.key_marker.empty() ? "" : request.value("upload-id-marker");
  list.url_encoded = request.value("encoding-type") == "url";
  list.max_uploads = std::min(*most, kMaxUploadsPerPage);
  return list;
}

void fill(UploadList& list, const std::vector<OpenUpload>& all) {
  if (list.max_uploads == 0) return;
  Behind behind(list, all);
  for (const auto& upload : all) {
    if (!behind(upload) || !upload.key.starts_with(list.prefix)) continue;
    auto folder = folder_of(upload.key, list.prefix, list.delimiter);
    if (!folder.empty() && !list.common_prefixes.empty() && list.common_prefixes.back() == folder) continue;
    list.truncated = list.uploads.size() + list.common_prefixes.size() == list.max_uploads;
    if (list.truncated) return;
    list.next_key = folder.empty() ? upload.key : folder;
    list.next_id = folder.empty() ? upload.id : "";
    if (folder.empty()) {
      list.uploads.push_back(upload);
    } else {
      list.common_prefixes.push_back(std::move(folder));
    }
  }
}

}  // namespace holdfast::api::s3
