#include "api/s3/xml_document.hpp"

#include <sstream>

namespace holdfast::api::s3 {

namespace {

constexpr const char* kNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";

}  // namespace

Document::Document(const char* root, bool with_namespace) : root_(document_.append_child(root)) {
  if (with_namespace) root_.append_attribute("xmlns") = kNamespace;
}

std::string Document::text() const {
  std::ostringstream out;
  document_.save(out, "", pugi::format_raw);
  return out.str();
}

void add(pugi::xml_node parent, const char* name, const std::string& text) {
  parent.append_child(name).text().set(text.c_str());
}
void add(pugi::xml_node parent, const char* name, std::uint64_t number) { add(parent, name, std::to_string(number)); }
void add(pugi::xml_node parent, const char* name, bool yes) { add(parent, name, std::string(yes ? "true" : "false")); }

void add_owner(pugi::xml_node parent, const char* name) {
  auto owner = parent.append_child(name);
  add(owner, "ID", std::string(kOwner));
  add(owner, "DisplayName", std::string(kOwner));
}

std::unique_ptr<pugi::xml_document> load(std::string_view xml) {
  auto document = std::make_unique<pugi::xml_document>();
  if (!document->load_buffer(xml.data(), xml.size(), pugi::parse_default | pugi::parse_ws_pcdata_single))
    return nullptr;
  return document;
}

S3Error malformed_xml() {
  return {400, "MalformedXML",
          "The XML you provided was not well-formed or did not validate against our published schema"};
}

}  // namespace holdfast::api::s3
