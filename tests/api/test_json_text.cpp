#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "api/json_text.hpp"
#include "base/utf8.hpp"

using namespace holdfast;

TEST_CASE("objects and lists in each other") {
  api::JsonText out;
  out.begin_object();
  out.member("number", std::int64_t{-5});
  out.member("time", 1764338400.25);
  out.member("whole", 1764338400.0);
  out.key("list");
  out.begin_array();
  out.value("a");
  out.begin_object();
  out.end_object();
  out.end_array();
  out.key("as it is");
  out.json(R"([1,{"x":null}])");
  out.end_object();
  CHECK(out.take() ==
        R"({"number":-5,"time":1764338400.25,"whole":1764338400.0,"list":["a",{}],"as it is":[1,{"x":null}]})");
}

TEST_CASE("every number is JSON, and read back as it was") {
  for (const double number : {0.0, -0.5, 3.0, 1e20, 1e-7, -2e-5, 1e300, 1.5e-300, 0.1, 1764338400.0, -1e16}) {
    api::JsonText out;
    out.value(number);
    const auto text = out.take();
    CAPTURE(text);
    CHECK(nlohmann::json::parse(text).get<double>() == number);
    CHECK(nlohmann::json::parse(text).is_number_float());
  }
}

TEST_CASE("every text is read back as it was") {
  // Eight characters are looked at at once, and the rest: each at each place, also behind one of several bytes.
  for (int c = 0; c < 0x80; ++c) {
    for (const std::string around : {"before and behind", "\xC3\xA4 \xF0\x9F\x98\x80\xC3\xA4"}) {
      for (std::size_t at = 0; at <= around.size(); ++at) {
        std::string text = around;
        text.insert(at, 1, static_cast<char>(c));
        if (!is_utf8(text)) continue;
        api::JsonText out;
        out.value(text);
        REQUIRE(nlohmann::json::parse(out.take()) == text);
      }
    }
  }
  for (const char* text : {"", "\xC3\xA4", "\xF0\x9F\x98\x80", "\"", "\\", "\xC3\xA4\n\"\\"}) {
    api::JsonText out;
    out.value(text);
    CHECK(nlohmann::json::parse(out.take()) == text);
  }
  api::JsonText out;
  out.value("no \xFF character");
  CHECK(nlohmann::json::parse(out.take()) == "no \xEF\xBF\xBD character");
}
