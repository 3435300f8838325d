// Objects that browsers upload by an HTML form, with a policy that somebody signed for them.
#include <fmt/format.h>

#include <algorithm>

#include "api/s3/asked_headers.hpp"
#include "api/s3/attributes.hpp"
#include "api/s3/authorize.hpp"
#include "api/s3/form_upload.hpp"
#include "api/s3/s3_api.hpp"
#include "api/s3/tagging.hpp"
#include "api/s3/xml.hpp"
#include "aws/canonical.hpp"
#include "base/is_in.hpp"

namespace holdfast::api::s3 {

namespace {

constexpr std::string_view kFileName = "${filename}";
// Fields that are headers of the put, by the names that they have there; besides, whatever begins with x-amz-.
constexpr std::string_view kHeaders[] = {"cache-control", "content-disposition", "content-encoding", "content-language",
                                         "content-md5",   "content-type",        "expires"};
constexpr std::string_view kSigning[] = {"x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature",
                                         "x-amz-security-token"};

std::string value_of(const FormFields& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string() : found->second;
}

S3Result<http::Headers> headers_of(const FormFields& fields) {
  http::Headers headers;
  for (const auto& [name, value] : fields) {
    const bool is_header = is_in(kHeaders, name) || (name.starts_with("x-amz-") && !is_in(kSigning, name));
    if (name == "tagging") {
      const auto tags = parse_tagging(value);
      if (!tags) return tl::unexpected(tags.error());
      headers.add("x-amz-tagging", tags_header(*tags));
    } else if (name == "acl" || is_header) {
      // A field may hold what no header can, in its name as well.
      if (!is_header_name(name) || !is_header_value(value))
        return tl::unexpected(invalid_argument(fmt::format("The field {} holds what no header can.", name)));
      headers.add(name == "acl" ? "x-amz-acl" : name, value);
    }
  }
  return headers;
}

// The put that the form stands for: its address is checked as any other's.
S3Result<S3Request> put_of(const std::string& bucket, const FormFields& fields) {
  const auto& key = fields.at("key");
  if (key.empty()) return tl::unexpected(invalid_argument("User key must have a length greater than 0."));
  http::RequestHead head;
  head.method = "PUT";
  head.target = "/" + bucket + "/" + url_encode(key);
  auto put = parse(head, "");
  if (!put) return put;
  auto headers = headers_of(fields);
  if (!headers) return tl::unexpected(headers.error());
  put->headers = std::move(*headers);
  if (put->headers.find("x-amz-copy-source"))
    return tl::unexpected(invalid_argument("x-amz-copy-source is no field of a form."));
  if (auto fine = check_headers(put->headers); !fine) return tl::unexpected(fine.error());
  if (auto kept = kept_of(*put); !kept) return tl::unexpected(kept.error());
  return put;
}

std::string redirect_of(const FormFields& fields) {
  auto url = value_of(fields, "success_action_redirect");
  if (url.empty()) url = value_of(fields, "redirect");
  const bool usable = (url.starts_with("http://") || url.starts_with("https://")) && is_header_value(url);
  return usable ? url : "";  // as if it were not there, as S3 does
}

}  // namespace

S3Result<PostedForm> read_form(const std::string& bucket, FormFields fields, const std::string& filename, Instant now,
                               const VerifyPolicy& verify) {
  const auto key = fields.find("key");
  if (key == fields.end()) {
    return tl::unexpected(
        invalid_argument("Bucket POST must contain a field named 'key'. If it is specified, please check the order of "
                         "the fields."));
  }
  if (const auto at = key->second.find(kFileName); at != std::string::npos)
    key->second.replace(at, kFileName.size(), filename);
  // Nobody may write here who does not say who he is.
  if (value_of(fields, "policy").empty()) return tl::unexpected(access_denied());
  const auto principal =
      verify({.policy = value_of(fields, "policy"),
              .algorithm = value_of(fields, "x-amz-algorithm"),
              .credential = value_of(fields, "x-amz-credential"),
              .date = value_of(fields, "x-amz-date"),
              .signature = value_of(fields, fields.contains("x-amz-signature") ? "x-amz-signature" : "signature"),
              .access_key = value_of(fields, "awsaccesskeyid")});
  if (!principal) return tl::unexpected(principal.error());
  auto policy = parse_post_policy(value_of(fields, "policy"));
  if (!policy) return tl::unexpected(policy.error());
  fields.insert_or_assign("bucket", bucket);
  if (auto held = check_fields(*policy, fields, now); !held) return tl::unexpected(held.error());
  auto put = put_of(bucket, fields);
  if (!put) return tl::unexpected(put.error());
  if (auto allowed = authorize(*put, *principal); !allowed) return tl::unexpected(allowed.error());
  return PostedForm{std::move(*put), std::move(*policy), value_of(fields, "success_action_status"),
                    redirect_of(fields)};
}

S3Result<std::unique_ptr<Upload>> S3Api::start_form(const S3Request& request, VerifyPolicy verify) {
  const auto boundary = form_boundary(request.headers.get("Content-Type"));
  const auto read = [this, bucket = request.bucket, url = object_url(request, ""), verify = std::move(verify)](
                        FormFields fields, const std::string& filename) -> S3Result<PostedForm> {
    auto form = read_form(bucket, std::move(fields), filename, parts_.clock.now(), verify);
    if (!form) return form;
    if (auto ours = check_owner(form->put); !ours) return tl::unexpected(ours.error());
    form->location = url + url_encode(form->put.key);
    return form;
  };
  auto upload = FormUpload::open(incoming_, boundary.value_or(""), read);
  if (!upload) return tl::unexpected(to_s3_error(upload.error(), ""));
  return std::move(*upload);
}

S3Result<http::Response> S3Api::post_object(FormUpload& upload) {
  const auto& form = upload.form();
  auto response = put_object(form.put, upload);
  if (!response) return response;
  const std::string etag(response->headers.get("ETag"));
  response->status = 204;
  if (!form.success_redirect.empty()) {
    response->status = 303;
    response->headers.add("Location", fmt::format("{}{}bucket={}&key={}&etag={}", form.success_redirect,
                                                  form.success_redirect.find('?') == std::string::npos ? '?' : '&',
                                                  form.put.bucket, url_encode(form.put.key), url_encode(etag)));
    return response;
  }
  response->headers.add("Location", form.location);
  if (form.success_status == "200") response->status = 200;
  if (form.success_status == "201") {
    response->status = 201;
    response->headers.add("Content-Type", "application/xml");
    response->body = posted_xml(form.location, form.put.bucket, form.put.key, etag);
  }
  return response;
}

}  // namespace holdfast::api::s3
