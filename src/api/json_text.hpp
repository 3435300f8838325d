// JSON put together as text, without a tree: for answers that are long or asked for often.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace holdfast::api {

// Whoever uses it opens and closes in the right order, and names every member of an object.
class JsonText {
 public:
  JsonText();
  ~JsonText();

  void begin_object();
  void end_object();
  void begin_array();
  void end_array();
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

  std::string text() const;

 private:
  void integer(std::int64_t number);

  struct Writer;
  std::unique_ptr<Writer> writer_;
};

}  // namespace holdfast::api
