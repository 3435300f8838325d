#include "agent/input_manifest.hpp"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::agent;

namespace {

std::string wrong(std::string_view manifest) {
  const auto parsed = parse_manifest(manifest);
  if (parsed) return "";
  CHECK(parsed.error().kind == Kind::invalid);
  const auto& message = parsed.error().message;
  CHECK(message.ends_with("; write [{\"prefix\": \"s3://bucket/prefix/\"}, \"name\", ...]"));
  return message.substr(0, message.rfind(';'));
}
std::string wrong_line(std::string_view lines, const std::vector<std::string>& attributes = {"a-ref"}) {
  const auto parsed = parse_augmented_manifest(lines, attributes);
  if (parsed) return "";
  CHECK(parsed.error().kind == Kind::invalid);
  return parsed.error().message;
}

}  // namespace

TEST_CASE("a manifest is a prefix and names behind it") {
  const auto manifest =
      parse_manifest(R"([ {"prefix": "s3://bucket/some/prefix/"}, "a.csv", "deep/b c\u00e4.csv", "a.csv" ])").value();
  CHECK(manifest.bucket == "bucket");
  CHECK(manifest.prefix == "some/prefix/");
  CHECK(manifest.names == std::vector<std::string>{"a.csv", "deep/b cä.csv", "a.csv"});
  CHECK(parse_manifest(R"([{"prefix": "s3://bucket"}, "a"])").value().prefix.empty());
}

TEST_CASE("a manifest that is something else is refused with what it is") {
  CHECK(wrong("") == "it is no JSON, at byte 1");
  CHECK(wrong("[{\"prefix\": \"s3://b/p/\"}, \"a\"") == "it is no JSON, at byte 30");
  CHECK(wrong("[{\"prefix\": \"s3://b/p/\"}, \"\xFF\"]").starts_with("it is no JSON"));
  CHECK(wrong(R"([{"prefix": "s3://b/p/"}, "a"] x)").starts_with("it is no JSON"));
  CHECK(wrong(R"({"prefix": "s3://b/p/"})") == "it is an object, no array");
  CHECK(wrong("7") == "it is a number, no array");
  CHECK(wrong("[]") == "it is empty");
  CHECK(wrong(R"(["a", "b"])") == "its first element is a text, not the prefix");
  CHECK(wrong(R"([["a"]])") == "its first element is an array, not the prefix");
  CHECK(wrong(R"([{}, "a"])") == "its first element has no \"prefix\"");
  CHECK(wrong(R"([{"Prefix": "s3://b/p/"}, "a"])") == "its first element has a member 'Prefix'");
  CHECK(wrong(R"([{"prefix": 7}, "a"])") == "its prefix is a number, no text");
  CHECK(wrong(R"([{"prefix": {}}, "a"])") == "its prefix is an object, no text");
  CHECK(wrong(R"([{"prefix": "/data/"}, "a"])") == "its prefix '/data/' is no s3://bucket/prefix/");
  CHECK(wrong(R"([{"prefix": "s3://b/p/"}])") == "it names no object");
  CHECK(wrong(R"([{"prefix": "s3://b/p/"}, "a", null])") == "its element 3 is null, no name of an object");
  CHECK(wrong(R"([{"prefix": "s3://b/p/"}, "a", {"prefix": "s3://b/q/"}])") ==
        "its element 3 is an object, no name of an object");
  CHECK(wrong(R"([{"prefix": "s3://b/p/"}, ["a"]])") == "its element 2 is an array, no name of an object");
}

TEST_CASE("names in a manifest lead nowhere else") {
  for (const std::string name : {"../a", "a/../../b", "/etc/passwd", "a//b", "a/", "", ".", "a/.", "a\\u0000b"}) {
    const auto message = wrong(R"([{"prefix": "s3://b/p/"}, "fine", ")" + name + "\"]");
    CHECK_MESSAGE(message.starts_with("its element 3, '"), name);
    CHECK(message.ends_with("leads out of the prefix or is no name of an object"));
  }
  CHECK(wrong(R"([{"prefix": "s3://b/p/"}, ")" + std::string(1022, 'x') + "\"]") == "");
  CHECK(wrong(R"([{"prefix": "s3://b/p/"}, ")" + std::string(1023, 'x') + "\"]").size() < 300);
}

TEST_CASE("the lines of an augmented manifest give objects and values, in the order of the attributes") {
  const std::string lines =
      "{\"source-ref\": \"s3://bucket/a.jpg\", \"class\": 3, \"note\": \"it's \\u00e4\"}\r\n\n"
      "{\"note\": {\"b\": [1, 2.5, null]}, \"class\": true, \"source-ref\": \"s3://other/deep/b\", \"more\": 1}";
  const auto pieces = parse_augmented_manifest(lines, {"class", "source-ref", "note"}).value();
  REQUIRE(pieces.size() == 6);
  CHECK(std::get<std::string>(pieces[0]) == "3");
  CHECK(std::get<ports::S3Location>(pieces[1]).key == "a.jpg");
  CHECK(std::get<std::string>(pieces[2]) == "it's ä");
  CHECK(std::get<std::string>(pieces[3]) == "true");
  CHECK(std::get<ports::S3Location>(pieces[4]).bucket == "other");
  CHECK(std::get<std::string>(pieces[5]) == R"({"b":[1,2.5,null]})");
}

TEST_CASE("a line that is wrong is named") {
  const std::string good = "{\"a-ref\": \"s3://b/k\"}\n";
  CHECK(wrong_line(good) == "");
  CHECK(wrong_line("\n \n") == "it has no lines");
  CHECK(wrong_line(good + "\n[1]\n") == "line 3 is wrong: it is no JSON object");
  CHECK(wrong_line(good + "{\"a-ref\": ") == "line 2 is wrong: it is no JSON object");
  CHECK(wrong_line(good, {"a-ref", "class"}) == "line 1 is wrong: it has no member 'class'");
  CHECK(wrong_line("{\"a-ref\": 7}") == "line 1 is wrong: its member 'a-ref' is no text");
  for (const char* uri : {"s3://b", "s3://b/", "b/k", "s3:///k"}) {
    CHECK(wrong_line(fmt::format("{{\"a-ref\": \"{}\"}}", uri)) ==
          "line 1 is wrong: its member 'a-ref' is no s3://bucket/key");
  }
  CHECK(wrong_line("{\"a\": \"" + std::string(1 << 20, 'x') + "\"}", {"a"}).find("more than") != std::string::npos);
}
