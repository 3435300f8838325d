#include "agent/input_manifest.hpp"

#include <nlohmann/json.hpp>

#include "checkpoint/paths.hpp"

namespace holdfast::agent {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxShown = 100;

std::string shown(std::string_view text) {
  return fmt::format("'{}'{}", text.substr(0, kMaxShown), text.size() > kMaxShown ? "..." : "");
}

// Takes the array apart as it is read: of a list that is not what it should be, nothing is kept.
class ManifestReader final : public nlohmann::json_sax<json> {
 public:
  Result<InputManifest> read(std::string_view text) {
    json::sax_parse(text, this);
    if (!wrong_.empty()) return fail(Kind::invalid, "{}", wrong_);
    return std::move(manifest_);
  }

  bool null() override { return misplaced("null"); }
  bool boolean(bool) override { return misplaced("a boolean"); }
  bool number_integer(number_integer_t) override { return misplaced("a number"); }
  bool number_unsigned(number_unsigned_t) override { return misplaced("a number"); }
  bool number_float(number_float_t, const string_t&) override { return misplaced("a number"); }
  bool binary(binary_t&) override { return misplaced("binary data"); }
  bool string(string_t& text) override {
    if (at_ == At::prefix) return take_prefix(text);
    return at_ == At::names ? take_name(text) : misplaced("a text");
  }
  bool start_array(std::size_t) override {
    if (at_ != At::start) return misplaced("an array");
    at_ = At::first;
    return true;
  }
  bool start_object(std::size_t) override {
    if (at_ != At::first) return misplaced("an object");
    at_ = At::prefix;
    return true;
  }
  bool key(string_t& name) override {
    return name == "prefix" || wrong(fmt::format("its first element has a member {}", shown(name)));
  }
  bool end_object() override {
    if (manifest_.bucket.empty()) return wrong("its first element has no \"prefix\"");
    at_ = At::names;
    return true;
  }
  bool end_array() override {
    return !manifest_.names.empty() || wrong(at_ == At::first ? "it is empty" : "it names no object");
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return wrong(fmt::format("it is no JSON, at byte {}", position));
  }

 private:
  enum class At { start, first, prefix, names };

  bool wrong(std::string why) {
    wrong_ = std::move(why) + "; write [{\"prefix\": \"s3://bucket/prefix/\"}, \"name\", ...]";
    return false;
  }
  bool misplaced(const char* what) {
    if (at_ == At::start) return wrong(fmt::format("it is {}, no array", what));
    if (at_ == At::first) return wrong(fmt::format("its first element is {}, not the prefix", what));
    if (at_ == At::prefix) return wrong(fmt::format("its prefix is {}, no text", what));
    return wrong(fmt::format("its element {} is {}, no name of an object", manifest_.names.size() + 2, what));
  }
  bool take_prefix(const std::string& text) {
    auto location = ports::parse_s3_uri(text);
    if (!location) return wrong(fmt::format("its prefix {} is no s3://bucket/prefix/", shown(text)));
    manifest_.bucket = std::move(location->bucket);
    manifest_.prefix = std::move(location->key);
    return true;
  }
  bool take_name(std::string& name) {
    const auto element = manifest_.names.size() + 2;
    if (manifest_.names.size() == kMaxChannelObjects) {
      return wrong(fmt::format("it names more than {} objects", kMaxChannelObjects));
    }
    if (!checkpoint::is_safe_path(name) || manifest_.prefix.size() + name.size() > checkpoint::kMaxPath) {
      return wrong(
          fmt::format("its element {}, {}, leads out of the prefix or is no name of an object", element, shown(name)));
    }
    manifest_.names.push_back(std::move(name));
    return true;
  }

  At at_ = At::start;
  InputManifest manifest_;
  std::string wrong_;
};

// ---- lines

Result<Piece> piece_of(const std::string& attribute, const json& line) {
  const auto value = line.find(attribute);
  if (value == line.end()) return fail(Kind::invalid, "it has no member {}", shown(attribute));
  if (!attribute.ends_with("-ref")) {
    return Piece{value->is_string() ? value->get<std::string>()
                                    : value->dump(-1, ' ', false, json::error_handler_t::replace)};
  }
  if (!value->is_string()) return fail(Kind::invalid, "its member {} is no text", shown(attribute));
  auto location = ports::parse_s3_uri(value->get_ref<const std::string&>());
  if (!location || location->key.empty() || location->key.size() > checkpoint::kMaxPath) {
    return fail(Kind::invalid, "its member {} is no s3://bucket/key", shown(attribute));
  }
  return Piece{std::move(*location)};
}

Result<void> add_line(std::string_view text, const std::vector<std::string>& attributes, std::vector<Piece>& pieces) {
  if (text.size() > kMaxManifestLine) return fail(Kind::invalid, "it has more than {} bytes", kMaxManifestLine);
  const auto line = json::parse(text, nullptr, false);
  if (!line.is_object()) return fail(Kind::invalid, "it is no JSON object");
  for (const auto& attribute : attributes) {
    auto piece = piece_of(attribute, line);
    if (!piece) return fail(piece.error());
    pieces.push_back(std::move(*piece));
  }
  return {};
}

}  // namespace

Result<InputManifest> parse_manifest(std::string_view text) { return ManifestReader().read(text); }

Result<std::vector<Piece>> parse_augmented_manifest(std::string_view text, const std::vector<std::string>& attributes) {
  std::vector<Piece> pieces;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), end + 1));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (auto added = add_line(line, attributes, pieces); !added) {
      return fail(Kind::invalid, "line {} is wrong: {}", number, added.error().message);
    }
    if (pieces.size() > kMaxChannelObjects) {
      return fail(Kind::invalid, "it stands for more than {} objects and values", kMaxChannelObjects);
    }
  }
  if (pieces.empty()) return fail(Kind::invalid, "it has no lines");
  return pieces;
}

}  // namespace holdfast::agent
