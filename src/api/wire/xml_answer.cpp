#include "api/wire/xml_answer.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <sstream>

#include "api/wire/timestamp.hpp"

namespace holdfast::api::wire {
namespace {

using nlohmann::json;

void fill(pugi::xml_node node, const json& value, const Shape& shape);

void fill_members(pugi::xml_node node, const json& value, const Structure& structure) {
  for (const auto& member : structure.members) {
    const auto found = value.find(member.name);
    if (found != value.end()) fill(node.append_child(member.name.c_str()), *found, *member.shape);
  }
}

void fill(pugi::xml_node node, const json& value, const Shape& shape) {
  if (const auto* structure = std::get_if<Structure>(&shape.kind)) {
    fill_members(node, value, *structure);
  } else if (const auto* list = std::get_if<List>(&shape.kind)) {
    for (const auto& element : value) fill(node.append_child("member"), element, *list->element);
  } else if (const auto* map = std::get_if<Map>(&shape.kind)) {
    for (const auto& [key, element] : value.items()) {
      auto entry = node.append_child("entry");
      entry.append_child("key").text().set(key.c_str());
      fill(entry.append_child("value"), element, *map->value);
    }
  } else if (std::holds_alternative<Timestamp>(shape.kind)) {
    node.text().set(format_timestamp(value.get<double>()).c_str());
  } else if (value.is_string()) {
    node.text().set(value.get_ref<const std::string&>().c_str());
  } else {
    node.text().set(value.dump().c_str());
  }
}

pugi::xml_node add_root(pugi::xml_document& document, const std::string& name, std::string_view xml_namespace) {
  auto root = document.append_child(name.c_str());
  root.append_attribute("xmlns") = std::string(xml_namespace).c_str();
  return root;
}

std::string text_of(const pugi::xml_document& document) {
  std::ostringstream out;
  document.save(out, "", pugi::format_raw | pugi::format_no_declaration);
  return out.str();
}

}  // namespace

std::string answer_xml(const json& answer, const Shape* output, std::string_view action, std::string_view xml_namespace,
                       const std::string& request_id) {
  pugi::xml_document document;
  const std::string name(action);
  auto root = add_root(document, name + "Response", xml_namespace);
  if (output) fill(root.append_child((name + "Result").c_str()), answer, *output);
  root.append_child("ResponseMetadata").append_child("RequestId").text().set(request_id.c_str());
  return text_of(document);
}

std::string error_xml(const ApiError& error, std::string_view xml_namespace, const std::string& request_id) {
  pugi::xml_document document;
  auto root = add_root(document, "ErrorResponse", xml_namespace);
  auto inner = root.append_child("Error");
  inner.append_child("Type").text().set(error.status < 500 ? "Sender" : "Receiver");
  inner.append_child("Code").text().set(error.code.c_str());
  inner.append_child("Message").text().set(error.message.c_str());
  root.append_child("RequestId").text().set(request_id.c_str());
  return text_of(document);
}

}  // namespace holdfast::api::wire
