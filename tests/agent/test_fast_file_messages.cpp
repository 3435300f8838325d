#include "agent/fast_file_messages.hpp"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::agent;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = text.find('\n', begin);
    REQUIRE(end != std::string::npos);
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}
std::string text_of(const std::string& channel, const ChannelListing& listing) {
  std::string text;
  REQUIRE(write_channel(channel, listing, [&](std::string_view piece) {
    text += piece;
    return Result<void>{};
  }));
  return text;
}

}  // namespace

TEST_CASE("a channel's list arrives as it was sent, also a long one and odd names") {
  ChannelListing listing{"bucket", "data/\"x\"/", {}};
  listing.files.push_back({"line\nbreak \\ \xC3\xA4", 0, "", from_ms(-5)});
  for (int i = 0; i < 30'000; ++i) {
    listing.files.push_back(
        {fmt::format("f/{}", i), std::uint64_t{1} << (i % 63), fmt::format("e{}-2", i), from_ms(i)});
  }
  ListingReader reader;
  std::optional<NamedListing> got;
  for (const auto& line : lines_of(text_of("train", listing))) {
    REQUIRE_FALSE(got);
    got = reader.take(line).value();
  }
  REQUIRE(got);
  CHECK(got->channel == "train");
  CHECK(got->listing.bucket == listing.bucket);
  CHECK(got->listing.prefix == listing.prefix);
  REQUIRE(got->listing.files.size() == listing.files.size());
  for (std::size_t i = 0; i < listing.files.size(); ++i) {
    const auto& [one, other] = std::pair{got->listing.files[i], listing.files[i]};
    REQUIRE(one.path == other.path);
    REQUIRE(one.size == other.size);
    REQUIRE(one.version == other.version);
    REQUIRE(one.modified == other.modified);
  }
}

TEST_CASE("lists that are cut off or no lists are not taken for whole ones") {
  const auto lines = lines_of(text_of("c", {"b", "p/", {{"a", 1, "e", from_ms(1)}, {"b", 2, "f", from_ms(2)}}}));
  ListingReader cut;
  CHECK(cut.take(lines[0]).value() == std::nullopt);
  CHECK(cut.take(lines[1]).value() == std::nullopt);
  CHECK_FALSE(cut.take(lines[3]).has_value());
  ListingReader none;
  CHECK_FALSE(none.take(lines[1]).has_value());
  for (const auto* wrong : {"", "{", "[]", "7", "{\"channel\": 7}", "{\"channel\": \"x\"}"}) {
    CHECK_FALSE_MESSAGE(ListingReader().take(wrong).has_value(), wrong);
    CHECK_FALSE_MESSAGE(parse_answer(wrong).has_value(), wrong);
  }
}

TEST_CASE("answers arrive as they were sent") {
  const auto there_and_back = [](const FastFileAnswer& answer) {
    return parse_answer(lines_of(answer_line(answer)).at(0)).value();
  };
  CHECK(std::holds_alternative<FilesMounted>(there_and_back(FilesMounted{})));
  CHECK(std::get<ChannelShown>(there_and_back(ChannelShown{"tr\"ain"})).channel == "tr\"ain");
  CHECK(std::get<FilesNote>(there_and_back(FilesNote{"two\nlines"})).line == "two\nlines");
  for (const auto kind : {Kind::invalid, Kind::permanent}) {
    const auto refused = std::get<FilesRefused>(there_and_back(FilesRefused{{kind, "why"}}));
    CHECK(refused.error.kind == kind);
    CHECK(refused.error.message == "why");
  }
}
