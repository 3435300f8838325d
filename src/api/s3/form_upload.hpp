// A browser's upload on its way in: the form's fields first, which say what is to be done and by whose leave, and then
// the file, of which nothing is kept before that is settled.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/access.hpp"
#include "api/s3/form_data.hpp"
#include "api/s3/post_policy.hpp"
#include "api/s3/upload.hpp"
#include "aws/signed_policy.hpp"

namespace holdfast::api::s3 {

constexpr std::size_t kMaxFormFields = 20 * 1024;  // bytes of all fields, S3's own
// Bytes of a form that is refused, since many clients read no answer before they have sent it.
constexpr std::size_t kMostPassedOver = 64u << 20;

// A bucket that is posted to without any question beside it.
bool is_form(const S3Request& request);

// Whose key signed it.
using VerifyPolicy = std::function<S3Result<Principal>(const aws::SignedPolicy& policy)>;

// What the fields came to.
struct PostedForm {
  S3Request put;  // that the form stands for
  PostPolicy policy;
  std::string success_status;    // "200", "201"; whatever else: 204
  std::string success_redirect;  // empty: none
  std::string location = {};     // the object's URL
};
// Of the fields in front of the file, which is called `filename`; all that is not allowed is refused here.
S3Result<PostedForm> read_form(const std::string& bucket, FormFields fields, const std::string& filename, Instant now,
                               const VerifyPolicy& verify);

class FormUpload final : public Upload {
 public:
  using ReadForm = std::function<S3Result<PostedForm>(FormFields fields, const std::string& filename)>;

  static Result<std::unique_ptr<FormUpload>> open(const std::filesystem::path& directory, const std::string& boundary,
                                                  ReadForm read);

  Result<void> write(std::string_view block) override;
  S3Result<void> finish() override;
  // After finish().
  const PostedForm& form() const { return *form_; }

 private:
  enum class Part { field, file, passed_over };

  FormUpload(std::filesystem::path path, Fd fd, const std::string& boundary, ReadForm read);
  Result<void> begin(const FormPart& part);
  Result<void> take(std::string_view bytes);
  void begin_file(const FormPart& part);
  void add_to_fields(std::size_t bytes);
  // What is wrong is answered when all has come; until then the rest is passed over, if it is no longer than
  // kMostPassedOver.
  void refuse(S3Error error);

  FormDataParser parser_;
  ReadForm read_;
  FormFields fields_;
  std::size_t fields_size_ = 0;
  Part part_ = Part::passed_over;
  std::string field_;  // whose value comes now
  std::optional<PostedForm> form_;
  std::optional<S3Error> problem_;
  std::size_t passed_over_ = 0;  // bytes
};

}  // namespace holdfast::api::s3
