// JSON put together as text, without a tree: for answers that are long or asked for often.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::api {

// Whoever uses it opens and closes in the right order, and names every member of an object.
class JsonText {
 public:
  void begin_object() { begin('{'); }
  void end_object() { end('}'); }
  void begin_array() { begin('['); }
  void end_array() { end(']'); }
  void key(std::string_view name);  // of letters, digits and the like: it is written as it is

  // What is no UTF-8 in it becomes U+FFFD.
  void value(std::string_view text);
  void value(std::signed_integral auto number) { integer(number); }
  void value(double number);  // must be finite
  // A whole value that is JSON already.
  void json(std::string_view text);
  // A member of the open object.
  void member(std::string_view name, const auto& its_value) {
    key(name);
    value(its_value);
  }

  // Once, when everything is closed.
  std::string take() { return std::move(text_); }

 private:
  void begin(char bracket);
  void end(char bracket);
  void separate() {
    if (!first_) text_ += ',';
    first_ = false;
  }
  void integer(std::int64_t number);

  std::string text_;
  bool first_ = true;  // nothing stands before what comes next that it must be separated from
};

}  // namespace holdfast::api
