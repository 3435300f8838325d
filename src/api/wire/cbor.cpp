#include "api/wire/cbor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/utf8.hpp"

namespace holdfast::api::wire {
namespace {

using nlohmann::json;

enum Major : std::uint8_t { kUnsigned, kNegative, kBytes, kText, kArray, kMap, kTag, kSimple };
constexpr std::uint8_t kIndefinite = 31;
constexpr std::uint8_t kFalse = 20, kTrue = 21, kNull = 22, kUndefined = 23, kHalf = 25, kSingle = 26, kDouble = 27;
constexpr std::uint8_t kBreak = 0xff;
constexpr std::uint64_t kEpochSeconds = 1;

double from_half(std::uint64_t bits) {
  const int exponent = static_cast<int>((bits >> 10) & 0x1f);
  const auto fraction = static_cast<double>(bits & 0x3ff);
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  if (exponent == 31) return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
  return sign * std::ldexp(fraction + 1024, exponent - 25);
}

// Stops at the first thing that is wrong: from then on it finds nothing more, and why() says what it was.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  json whole() {
    json value = item(0);
    if (!rest_.empty()) refuse("it goes on after its end");
    if (!value.is_object()) refuse("it is not a map");
    return value;
  }
  const std::string& why() const { return why_; }  // empty: nothing was wrong

 private:
  struct Head {
    std::uint8_t major = 0;
    std::uint8_t info = 0;
    std::uint64_t argument = 0;
    bool indefinite() const { return info == kIndefinite; }
  };

  json refuse(std::string why) {
    if (why_.empty()) why_ = std::move(why);
    rest_ = {};
    return nullptr;
  }
  std::string_view take(std::uint64_t count) {
    if (count > rest_.size()) {
      refuse("it ends too early");
      return {};
    }
    const auto taken = rest_.substr(0, static_cast<std::size_t>(count));
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::uint64_t big_endian(std::uint64_t count) {
    std::uint64_t value = 0;
    for (const char byte : take(count)) value = (value << 8) | static_cast<unsigned char>(byte);
    return value;
  }
  Head head() {
    const auto first = static_cast<std::uint8_t>(big_endian(1));
    Head head{static_cast<std::uint8_t>(first >> 5), static_cast<std::uint8_t>(first & 31), 0};
    if (head.info < 24) {
      head.argument = head.info;
    } else if (head.info <= 27) {
      head.argument = big_endian(std::uint64_t{1} << (head.info - 24));
    } else if (head.info != kIndefinite || head.major <= kNegative || head.major == kTag) {
      refuse("a reserved length");
    }
    return head;
  }
  bool at_break() {
    if (rest_.empty() || static_cast<std::uint8_t>(rest_[0]) != kBreak) return false;
    rest_.remove_prefix(1);
    return true;
  }

  json item(int depth) {
    if (depth > kMaxJsonDepth) return refuse(fmt::format("it is nested deeper than {} levels", kMaxJsonDepth));
    const Head next = head();
    switch (next.major) {
      case kUnsigned:
        return next.argument;
      case kNegative:
        if (next.argument > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
          return refuse("a number is too large");
        return -1 - static_cast<std::int64_t>(next.argument);
      case kText:
        return text(next);
      case kArray:
        return array(next, depth);
      case kMap:
        return map(next, depth);
      case kTag:
        return item(depth + 1);
      case kSimple:
        return simple(next);
      default:
        return refuse("a byte string, which no operation takes");
    }
  }
  // Elements as many as announced, or up to the break. Each takes at least a byte, so nothing is made for a mere claim.
  template <class Element>
  void each(const Head& head, Element element) {
    for (std::uint64_t i = 0; why_.empty() && (head.indefinite() ? !at_break() : i < head.argument); ++i) element();
  }
  std::string text(const Head& head) {
    std::string whole;
    const auto piece = [&](const Head& part) { whole += take(part.argument); };
    if (!head.indefinite()) {
      piece(head);
    } else {
      each(head, [&] {
        const Head part = this->head();
        part.major == kText && !part.indefinite() ? piece(part) : void(refuse("a text of other things than texts"));
      });
    }
    if (!is_utf8(whole)) refuse("a text is not UTF-8");
    return whole;
  }
  json array(const Head& head, int depth) {
    json values = json::array();
    each(head, [&] { values.push_back(item(depth + 1)); });
    return values;
  }
  json map(const Head& head, int depth) {
    json members = json::object();
    each(head, [&] {
      const Head key = this->head();
      if (key.major != kText) return void(refuse("a key is not a text"));
      const std::string name = text(key);
      if (members.contains(name)) return void(refuse("a key is there twice"));
      members[name] = item(depth + 1);
    });
    return members;
  }
  json simple(const Head& head) {
    switch (head.info) {
      case kFalse:
        return false;
      case kTrue:
        return true;
      case kNull:
      case kUndefined:
        return nullptr;
      case kHalf:
        return from_half(head.argument);
      case kSingle:
        return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(head.argument)));
      case kDouble:
        return std::bit_cast<double>(head.argument);
      default:
        return refuse("an unknown simple value");
    }
  }

  std::string_view rest_;
  std::string why_;
};

class Writer {
 public:
  std::string take() { return std::move(out_); }

  void value(const json& value, const Shape* shape) {
    if (shape && std::holds_alternative<Timestamp>(shape->kind) && value.is_number()) return instant(value);
    if (shape && std::holds_alternative<Float>(shape->kind) && value.is_number()) return number(value.get<double>());
    if (value.is_object()) return members(value, shape);
    if (value.is_array()) return elements(value, shape);
    if (value.is_string()) return text(value.get_ref<const std::string&>());
    if (value.is_number_unsigned()) return head(kUnsigned, value.get<std::uint64_t>());
    if (value.is_number_integer()) return integer(value.get<std::int64_t>());
    if (value.is_number_float()) return number(value.get<double>());
    out_ += static_cast<char>((kSimple << 5) | (value.is_boolean() ? (value.get<bool>() ? kTrue : kFalse) : kNull));
  }

 private:
  void big_endian(std::uint64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out_ += static_cast<char>((value >> shift) & 0xff);
  }
  void head(std::uint8_t major, std::uint64_t argument) {
    const auto first = [&](int info) { out_ += static_cast<char>((major << 5) | info); };
    if (argument < 24) return first(static_cast<int>(argument));
    const int size = argument <= 0xff ? 0 : argument <= 0xffff ? 1 : argument <= 0xffffffff ? 2 : 3;
    first(24 + size);
    big_endian(argument, 1 << size);
  }
  void integer(std::int64_t value) {
    if (value >= 0) return head(kUnsigned, static_cast<std::uint64_t>(value));
    head(kNegative, static_cast<std::uint64_t>(-1 - value));
  }
  void number(double value) {
    out_ += static_cast<char>((kSimple << 5) | kDouble);
    big_endian(std::bit_cast<std::uint64_t>(value), 8);
  }
  void instant(const json& value) {
    head(kTag, kEpochSeconds);
    const double seconds = value.get<double>();
    const bool whole = std::floor(seconds) == seconds && std::abs(seconds) < 1e15;
    whole ? integer(static_cast<std::int64_t>(seconds)) : number(seconds);
  }
  void text(const std::string& value) {
    head(kText, value.size());
    out_ += value;
  }
  void elements(const json& values, const Shape* shape) {
    const auto* list = shape ? std::get_if<List>(&shape->kind) : nullptr;
    head(kArray, values.size());
    for (const auto& element : values) value(element, list ? list->element.get() : nullptr);
  }
  void members(const json& values, const Shape* shape) {
    head(kMap, values.size());
    for (const auto& [name, element] : values.items()) {
      text(name);
      value(element, shape ? shape_of(*shape, name) : nullptr);
    }
  }
  static const Shape* shape_of(const Shape& shape, const std::string& name) {
    if (const auto* map = std::get_if<Map>(&shape.kind)) return map->value.get();
    const auto* structure = std::get_if<Structure>(&shape.kind);
    if (!structure) return nullptr;
    const auto found = std::find_if(structure->members.begin(), structure->members.end(),
                                    [&](const Member& member) { return member.name == name; });
    return found == structure->members.end() ? nullptr : found->shape.get();
  }

  std::string out_;
};

}  // namespace

tl::expected<json, ApiError> read_cbor(std::string_view bytes) {
  if (bytes.size() > kMaxBodyBytes) return tl::unexpected(request_too_large(kMaxBodyBytes));
  Reader reader(bytes);
  json value = reader.whole();
  if (reader.why().empty()) return value;
  return tl::unexpected(serialization(fmt::format("The request body is not CBOR as expected: {}.", reader.why())));
}

std::string write_cbor(const json& value, const Shape& shape) {
  Writer writer;
  writer.value(value, &shape);
  return writer.take();
}

std::string write_cbor(const json& value) {
  Writer writer;
  writer.value(value, nullptr);
  return writer.take();
}

}  // namespace holdfast::api::wire
