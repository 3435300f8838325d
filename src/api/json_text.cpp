#include "api/json_text.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstring>

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

// Eight characters at once: of each byte the highest bit says whether it is one of these.
bool needs_escapes(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  const auto below = [](std::uint64_t eight, std::uint64_t least) { return (eight - kOnes * least) & ~eight; };
  std::uint64_t found = 0;
  const auto look = [&](std::uint64_t eight) {
    found |= below(eight, 0x20) | below(eight ^ (kOnes * '"'), 1) | below(eight ^ (kOnes * '\\'), 1);
  };
  std::uint64_t eight = 0;
  for (; text.size() >= sizeof eight; text.remove_prefix(sizeof eight)) {
    std::memcpy(&eight, text.data(), sizeof eight);
    look(eight);
  }
  eight = kOnes * ' ';
  text.copy(reinterpret_cast<char*>(&eight), text.size());
  look(eight);
  return (found & (kOnes * 0x80)) != 0;
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
