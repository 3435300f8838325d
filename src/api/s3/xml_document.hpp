// Small words over pugixml that S3's documents are written and read with.
#pragma once

#include <cstdint>
#include <memory>
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "api/s3/request.hpp"

namespace holdfast::api::s3 {

constexpr const char* kOwner = "holdfast";  // of everything

// A document with one root, from which children are added by name.
class Document {
 public:
  explicit Document(const char* root, bool with_namespace = true);
  pugi::xml_node root() { return root_; }
  std::string text() const;

 private:
  pugi::xml_document document_;
  pugi::xml_node root_;
};

void add(pugi::xml_node parent, const char* name, const std::string& text);
void add(pugi::xml_node parent, const char* name, std::uint64_t number);
void add(pugi::xml_node parent, const char* name, bool yes);
// The one owner: <ID>, <DisplayName> in a child of that name.
void add_owner(pugi::xml_node parent, const char* name);

// Null: this is no XML. Text of nothing but spaces is kept: blank keys are keys.
std::unique_ptr<pugi::xml_document> load(std::string_view xml);
S3Error malformed_xml();

}  // namespace holdfast::api::s3
