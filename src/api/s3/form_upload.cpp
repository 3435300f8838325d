#include "api/s3/form_upload.hpp"

#include <fmt/format.h>

#include "aws/canonical.hpp"

namespace holdfast::api::s3 {

namespace {

constexpr std::string_view kFile = "file";

S3Error malformed(std::string_view why) {
  return {400, "MalformedPOSTRequest",
          fmt::format("The body of your POST request is not well-formed multipart/form-data. {}", why)};
}

// Browsers of old sent whole paths.
std::string base_name(const std::string& path) { return path.substr(path.find_last_of("/\\") + 1); }

}  // namespace

bool is_form(const S3Request& request) {
  return request.method == "POST" && !request.bucket.empty() && request.key.empty() && request.query.empty() &&
         form_boundary(request.headers.get("Content-Type"));
}

FormUpload::FormUpload(std::filesystem::path path, Fd fd, const std::string& boundary, ReadForm read)
    : Upload(std::move(path), std::move(fd)), parser_(boundary), read_(std::move(read)) {}

Result<std::unique_ptr<FormUpload>> FormUpload::open(const std::filesystem::path& directory,
                                                     const std::string& boundary, ReadForm read) {
  auto file = make_temporary_file(directory);
  if (!file) return fail(file.error());
  return std::unique_ptr<FormUpload>(
      new FormUpload(std::move(file->first), std::move(file->second), boundary, std::move(read)));
}

Result<void> FormUpload::write(std::string_view block) {
  if (problem_) {
    passed_over_ += block.size();
    if (passed_over_ > kMostPassedOver) return fail(Kind::invalid, "{}", problem_->message);
    return {};
  }
  auto fed = parser_.feed(block, {[this](const FormPart& part) { return begin(part); },
                                  [this](std::string_view bytes) { return take(bytes); }});
  if (!parser_.problem().empty()) refuse(malformed(parser_.problem()));
  return fed;
}

Result<void> FormUpload::begin(const FormPart& part) {
  part_ = Part::passed_over;
  // What follows the file nobody has looked at when it is stored: S3 passes it over as well.
  if (form_ || problem_) return {};
  field_ = aws::lower_case(part.name);
  add_to_fields(field_.size());
  if (problem_) return {};
  if (field_ == kFile) {
    begin_file(part);
  } else if (!fields_.emplace(field_, "").second) {
    refuse(invalid_argument(fmt::format("The field {} is given twice.", part.name)));
  } else {
    part_ = Part::field;
  }
  return {};
}

void FormUpload::begin_file(const FormPart& part) {
  auto form = read_(std::move(fields_), base_name(part.filename.value_or("")));
  if (!form) return refuse(std::move(form.error()));
  auto expected = expectation_of(form->put.headers, std::string(aws::kUnsignedPayload), {});
  if (!expected) return refuse(std::move(expected.error()));
  expect(std::move(*expected));
  form_ = std::move(*form);
  part_ = Part::file;
}

Result<void> FormUpload::take(std::string_view bytes) {
  if (problem_ || part_ == Part::passed_over) return {};
  if (part_ == Part::field) {
    add_to_fields(bytes.size());
    if (!problem_) fields_[field_] += bytes;
    return {};
  }
  // A file that is too long already need not fill the disk.
  if (size() + bytes.size() > form_->policy.most) {
    refuse(check_length(form_->policy, size() + bytes.size()).error());
    return {};
  }
  return keep(bytes);
}

void FormUpload::add_to_fields(std::size_t bytes) {
  fields_size_ += bytes;
  if (fields_size_ <= kMaxFormFields) return;
  refuse({400, "MaxPostPreDataLengthExceeded", "Your POST request fields preceding the upload file were too large."});
}

void FormUpload::refuse(S3Error error) {
  if (!problem_) problem_ = std::move(error);
}

S3Result<void> FormUpload::finish() {
  if (problem_) return tl::unexpected(*problem_);
  if (!parser_.complete()) return tl::unexpected(malformed("It ends before its last boundary."));
  if (!form_) return tl::unexpected(invalid_argument("POST requires exactly one file upload per request."));
  if (auto fits = check_length(form_->policy, size()); !fits) return fits;
  return Upload::finish();
}

}  // namespace holdfast::api::s3
