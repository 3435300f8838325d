#include "api/json_text.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>

#include "base/ensure.hpp"
#include "base/utf8.hpp"

namespace holdfast::api {

namespace {

class Output : public rapidjson::Writer<rapidjson::StringBuffer> {
 public:
  using Writer::Writer;

  // A text that needs no escapes, in one piece: String() looks at each character.
  void plain(std::string_view text) {
    Prefix(rapidjson::kStringType);
    char* place = os_->Push(text.size() + 2);
    *place = '"';
    text.copy(place + 1, text.size());
    place[text.size() + 1] = '"';
  }
};

bool needs_escapes(std::string_view text) {
  return std::ranges::any_of(text,
                             [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; });
}

}  // namespace

struct JsonText::Writer {
  rapidjson::StringBuffer buffer;
  Output out{buffer};
};

JsonText::JsonText() : writer_(std::make_unique<Writer>()) {}
JsonText::~JsonText() = default;

void JsonText::begin_object() { writer_->out.StartObject(); }
void JsonText::end_object() { writer_->out.EndObject(); }
void JsonText::begin_array() { writer_->out.StartArray(); }
void JsonText::end_array() { writer_->out.EndArray(); }
void JsonText::key(std::string_view name) { writer_->out.plain(name); }

void JsonText::value(std::string_view text) {
  if (!is_utf8(text)) return value(valid_utf8(text));
  if (!needs_escapes(text)) return writer_->out.plain(text);
  writer_->out.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}
void JsonText::value(double number) { ENSURE(writer_->out.Double(number), "JSON has no such number"); }
void JsonText::integer(std::int64_t number) { writer_->out.Int64(number); }
void JsonText::json(std::string_view text) {
  writer_->out.RawValue(text.data(), text.size(), rapidjson::kObjectType);  // of which kind does not matter
}

std::string JsonText::text() const { return {writer_->buffer.GetString(), writer_->buffer.GetSize()}; }

}  // namespace holdfast::api
