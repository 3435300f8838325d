// The two documents that S3's clients send, and keys in the documents that they are sent.
#include <pugixml.hpp>

#include "api/s3/tagging.hpp"
#include "api/s3/xml.hpp"
#include "fuzz/input.hpp"

namespace holdfast::fuzz {
namespace {

using namespace api;

constexpr std::size_t kLimit = 1000;

// A key as a client would name it in a document of its own; "" when XML has no way to write it.
std::string element(const char* name, const std::string& text) {
  pugi::xml_document document;
  document.append_child(name).text().set(text.c_str());
  struct Writer final : pugi::xml_writer {
    void write(const void* bytes, std::size_t size) override { out.append(static_cast<const char*>(bytes), size); }
    std::string out;
  } writer;
  document.child(name).print(writer, "", pugi::format_raw);
  return writer.out;
}

void check_delete(const s3::DeleteList& list) {
  ENSURE(!list.objects.empty() && list.objects.size() <= kLimit, "{} keys", list.objects.size());
  std::string xml = "<Delete>";
  for (const auto& one : list.objects) {
    ENSURE(!one.key.empty(), "an empty key would be the bucket");
    xml += "<Object>" + element("Key", one.key) + (one.names_version ? element("VersionId", "null") : "") +
           (one.if_match ? element("ETag", "\"" + *one.if_match + "\"") : "") + "</Object>";
  }
  const auto again = s3::parse_delete(xml + "</Delete>", kLimit);
  ENSURE(again, "keys that were read cannot be read again");
  ENSURE(again->objects == list.objects, "other keys or conditions");
}

void check_parts(const std::vector<s3::PartName>& parts) {
  ENSURE(!parts.empty() && parts.size() <= kLimit, "{} parts", parts.size());
  for (const auto& part : parts) ENSURE(part.md5.find('"') == std::string::npos, "a quoted ETag");
}

// In the header's form and back they are the same.
void check_tags(const s3::Tags& tags) {
  ENSURE(tags.size() <= s3::kMaxTags, "{} tags", tags.size());
  const auto again = s3::tags_in_header(s3::tags_header(tags));
  ENSURE(again && *again == tags, "other tags");
  pugi::xml_document document;
  ENSURE(document.load_string(s3::tagging_xml(tags).c_str()), "tags that are no XML");
}

// A client must be able to read what we write, whatever bytes there are in a key.
void check_documents(const std::string& key) {
  s3::Listing listing;
  listing.bucket = "bkt";
  listing.prefix = key;
  listing.objects.push_back({key, 1, "etag", from_ms(0), {}});
  for (const auto kind : {s3::ListKind::version_2, s3::ListKind::versions}) {
    for (const bool encoded : {false, true}) {
      listing.kind = kind;
      listing.url_encoded = encoded;
      pugi::xml_document document;
      ENSURE(document.load_string(s3::listing_xml(listing).c_str()), "a listing that is no XML");
      const auto root = document.document_element();
      const auto* entry = kind == s3::ListKind::versions ? "Version" : "Contents";
      const std::string shown = root.child(entry).child("Key").text().get();
      if (encoded) ENSURE(s3::url_decode(shown, false) == key, "another key is listed");
    }
  }
  pugi::xml_document document;
  ENSURE(document.load_string(s3::deleted_xml({{key}}, {{key, s3::invalid_argument(key)}}).c_str()), "no XML");
  ENSURE(document.load_string(s3::error_xml(s3::no_such_bucket(), key, key).c_str()), "no XML");
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  const auto text = fuzz::Input(bytes, size).rest();
  if (const auto list = api::s3::parse_delete(text, fuzz::kLimit)) fuzz::check_delete(*list);
  if (const auto parts = api::s3::parse_parts(text, fuzz::kLimit)) fuzz::check_parts(*parts);
  if (const auto tags = api::s3::parse_tagging(text)) fuzz::check_tags(*tags);
  if (const auto tags = api::s3::tags_in_header(text)) fuzz::check_tags(*tags);
  static_cast<void>(api::s3::parse_location(text));
  // As api/s3/request leaves keys: without a NUL.
  if (text.find('\0') == std::string_view::npos) fuzz::check_documents(std::string(text));
  return 0;
}
