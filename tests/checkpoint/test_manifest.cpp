#include "checkpoint/manifest.hpp"

#include <doctest/doctest.h>

#include "checkpoint/hash.hpp"
#include "checkpoint/ledger.hpp"
#include "checkpoint/paths.hpp"

using namespace holdfast;
using namespace holdfast::checkpoint;

namespace {

ManifestFile file(const std::string& path) {
  return {
      .path = path, .size = 5, .hash = hash_of(path), .object = data_name({Fence{3}, 1}), .mtime_ns = 7, .mode = 0640};
}

Manifest sample() {
  return {.job = "job-1",
          .id = {Fence{4}, 2},
          .created = from_ms(1'700'000'000'123),
          .based_on = GenerationId{Fence{3}, 9},
          .files = {file("a/model.bin"), file("ä.txt"), file("ö\n\"x\\")},
          .links = {{"a/last", "model.bin"}, {"latest", "a/"}}};
}

// What decode says of a body that a malicious or mistaken writer signed properly.
Result<Manifest> decode_signed(const std::string& body) {
  return decode("holdfast-manifest 2 " + hash_of(body) + "\n" + body);
}

std::string body_with_file(const std::string& path, const std::string& object = data_name({Fence{1}, 1})) {
  return R"({"job":"j","generation":[1,1],"created_ms":0,"based_on":null,"files":[{"path":")" + path +
         R"(","size":1,"hash":")" + hash_of("x") + R"(","object":")" + object + R"(","mtime_ns":0,"mode":420}]})";
}

// The same with links beside the file "a/b".
std::string body_with_links(const std::string& links) {
  auto body = body_with_file("a/b");
  return body.insert(body.rfind('}'), R"(,"links":[)" + links + "]");
}

std::string link_json(const std::string& path, const std::string& target) {
  return R"({"path":")" + path + R"(","target":")" + target + R"("})";
}

}  // namespace

TEST_CASE("a manifest is read as it was written") {
  CHECK(decode(encode(sample())).value() == sample());
  const Manifest opening{.job = "j", .id = {Fence{1}, 0}, .created = {}, .based_on = {}, .files = {}};
  CHECK(decode(encode(opening)).value() == opening);
  auto counted = sample();
  counted.number = 17;
  counted.metrics = {{"loss", 0.1}, {"validation:accuracy", 1e-300}};
  CHECK(decode(encode(counted)).value() == counted);
}

TEST_CASE("a manifest with any one bit flipped, or cut anywhere, is refused") {
  const auto good = encode(sample());
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    CHECK_MESSAGE(!decode(bad), bit);
  }
  for (std::size_t length = 0; length < good.size(); ++length) CHECK_MESSAGE(!decode(good.substr(0, length)), length);
  CHECK_FALSE(decode(good + " "));
}

TEST_CASE("paths that lead elsewhere are refused, however well signed") {
  REQUIRE(decode_signed(body_with_file("a/b")));
  for (const auto* path : {"/etc/passwd", "../x", "a/../../x", "a/..", "a//b", "a/", "", ".", "a/./b", "a\\u0000b"}) {
    CHECK_MESSAGE(decode_signed(body_with_file(path)).error().kind == Kind::invalid, path);
  }
  for (const auto* object : {"data/../../secret", "ledger/0000000000000001-0000000000000001.json", "", "data/1-1"}) {
    CHECK_MESSAGE(!decode_signed(body_with_file("a", object)), object);
  }
  CHECK_FALSE(decode_signed(body_with_file("a", data_name({Fence{2}, 1}))));  // of a newer attempt
}

TEST_CASE("a path twice, files in an opening, a later base and other shapes are refused") {
  auto twice = body_with_file("a");
  const auto begin = twice.find('{', 1), end = twice.rfind(']');
  twice.insert(end, "," + twice.substr(begin, end - begin));
  CHECK_FALSE(decode_signed(twice));
  auto opening = body_with_file("a");
  opening.replace(opening.find("[1,1]"), 5, "[1,0]");
  CHECK_FALSE(decode_signed(opening));
  auto based = body_with_file("a");
  based.replace(based.find("null"), 4, "[1,1]");
  CHECK_FALSE(decode_signed(based));
  for (const auto* body : {"", "[]", "null", "{}", R"({"job":1})"}) CHECK_FALSE(decode_signed(body));
}

TEST_CASE("links stay inside, once each, and nothing lies behind them") {
  const auto links_of = [](const std::string& links) { return decode_signed(body_with_links(links)).value().links; };
  CHECK(decode_signed(body_with_file("a/b")).value().links.empty());  // as they were before there were links
  CHECK(links_of(link_json("a/c", "../d") + "," + link_json("d", "a/b")) ==
        std::vector<Link>{{"a/c", "../d"}, {"d", "a/b"}});
  const std::vector<std::string> refused{
      link_json("d", "/a/b"),
      link_json("d", "../a/b"),
      link_json("a/c", "../../b"),
      link_json("d", "a/../../x"),
      link_json("d", ""),
      link_json("d", "a\\u0000b"),
      link_json("d", std::string(kMaxPath + 1, 'x')),
      link_json("../d", "a"),
      link_json("/d", "a"),
      link_json("", "a"),
      link_json("d/", "a"),
      link_json("a/b", "c"),                                      // a file
      link_json("a", "x"),                                        // a folder with a file in it
      link_json("d", "a") + "," + link_json("d", "a/b"),          // twice
      link_json("d", "a") + "," + link_json("c", "a"),            // out of order
      link_json("d", "a") + "," + link_json("d/e/f", "../../a"),  // behind another
      R"({"path":"d"})",
      R"("d")",
  };
  for (const auto& links : refused) CHECK_MESSAGE(!decode_signed(body_with_links(links)), links);
  REQUIRE(decode_signed(body_with_links(link_json("d", std::string(kMaxPath, 'x')))));
  auto opening = body_with_links(link_json("d", "a"));
  opening.replace(opening.find("[1,1]"), 5, "[1,0]");
  const auto begin = opening.find("[{") + 1;
  opening.erase(begin, opening.find(']', begin) - begin);
  CHECK_FALSE(decode_signed(opening));
}

TEST_CASE("more files than the limit are refused") {
  auto body = body_with_file("x");
  const auto begin = body.find("[{") + 1, end = body.rfind(']');
  const auto one = body.substr(begin, end - begin);
  std::string files;
  for (std::size_t i = 0; i <= kMaxFiles; ++i) {
    auto next = one;
    next.replace(next.find("\"x\""), 3, fmt::format("\"{:08}\"", i));
    files += (i == 0 ? "" : ",") + next;
  }
  body.replace(begin, end - begin, files);
  const auto decoded = decode_signed(body);
  CHECK(decoded.error().message.find("more than 100000 files") != std::string::npos);
}

TEST_CASE("a hash of blocks is the hash of the whole") {
  Hasher hasher;
  hasher.add("hold");
  hasher.add("");
  hasher.add("fast");
  CHECK(hasher.digest() == hash_of("holdfast"));
}

TEST_CASE("the hash of a file is the same in whatever pieces it comes") {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, kHashBlock - 1, kHashBlock, kHashBlock + 1, 5 * kHashBlock / 2}) {
    std::string bytes(size, 'a');
    for (std::size_t i = 0; i < size; i += 997) bytes[i] = static_cast<char>(i);
    const auto whole = file_hash_of(bytes);
    CHECK(is_file_hash(whole));
    CHECK((whole == hash_of(bytes)) == (size <= kHashBlock));
    for (const std::size_t piece : {std::size_t{999}, kHashBlock, kHashBlock + 7, size + 1}) {
      FileHash hash(size);
      const std::size_t second_half = size / kHashBlock / 2 * kHashBlock;
      // The second half first.
      for (const auto& [begin, end] : {std::pair{second_half, size}, std::pair{std::size_t{0}, second_half}}) {
        HashRun run(hash, begin);
        for (std::size_t at = begin; at < end; at += piece) {
          CHECK(run.add(std::string_view(bytes).substr(at, std::min(piece, end - at))));
        }
      }
      REQUIRE(hash.complete());
      CHECK(hash.digest() == whole);
    }
    if (size == 0) continue;
    auto other = bytes;
    other.back() ^= 1;
    CHECK(file_hash_of(other) != whole);
  }
}

TEST_CASE("a block that is read twice and was another is noticed") {
  const std::string bytes(2 * kHashBlock, 'a');
  FileHash hash(bytes.size());
  CHECK(hash.add(0, bytes));
  CHECK(hash.add(kHashBlock, bytes.substr(kHashBlock)));
  CHECK_FALSE(hash.add(kHashBlock, std::string(kHashBlock, 'b')));
}

TEST_CASE("only what is a hash of a file is taken for one") {
  CHECK(is_file_hash(file_hash_of("")));
  CHECK_FALSE(is_file_hash("xxh3:1234"));
  CHECK_FALSE(is_file_hash("xxh3-1m:1234"));
  CHECK_FALSE(is_file_hash("md5:" + std::string(33, 'a')));
}

TEST_CASE("what is excluded from checkpoints is excluded at any depth") {
  for (const auto* path : {".holdfast-part-1", ".holdfast/ledger", "a/.holdfast/x", "m.bin.sagemaker-uploading",
                           "a/b.sagemaker-uploaded", "tmp.sagemaker-ignore", "d.sagemaker-ignore/x"}) {
    CHECK_MESSAGE(is_excluded(path), path);
  }
  for (const auto* path : {"a", "a/holdfast", ".hidden", "sagemaker-ignore", "a.sagemaker-ignored"}) {
    CHECK_MESSAGE(!is_excluded(path), path);
  }
}

TEST_CASE("names that are not UTF-8 are no paths") {
  CHECK(is_safe_path("ä€😀"));
  for (const auto* path : {"\xFF", "\xC0\x80", "\xED\xA0\x80", "\xE2\x82", "a/\x80", "\xF4\x90\x80\x80"}) {
    CHECK_FALSE(is_safe_path(path));
  }
}
