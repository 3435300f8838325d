#include "agent/fast_file_messages.hpp"

#include <nlohmann/json.hpp>

#include "base/overload.hpp"

namespace holdfast::agent {
namespace {

using nlohmann::json;

constexpr std::size_t kPiece = 1u << 20;

std::string line_of(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"; }

tl::unexpected<Error> not_understood(std::string_view line, std::string_view why) {
  return fail(Kind::permanent, "not understood: '{}': {}", line.substr(0, 200), why);
}

}  // namespace

Result<void> write_channel(const std::string& channel, const ChannelListing& listing,
                           const std::function<Result<void>(std::string_view piece)>& write) {
  std::string text = line_of({{"channel", channel}, {"bucket", listing.bucket}, {"prefix", listing.prefix}});
  for (const auto& file : listing.files) {
    text += line_of(
        {{"path", file.path}, {"size", file.size}, {"version", file.version}, {"modified_ms", to_ms(file.modified)}});
    if (text.size() < kPiece) continue;
    if (auto written = write(text); !written) return written;
    text.clear();
  }
  text += line_of({{"files", listing.files.size()}});
  return write(text);
}

Result<std::optional<NamedListing>> ListingReader::take(std::string_view line) try {
  const json value = json::parse(line);
  if (value.contains("channel")) {
    under_way_ = NamedListing{value["channel"], {value.at("bucket"), value.at("prefix"), {}}};
    return std::nullopt;
  }
  if (!under_way_) return not_understood(line, "no channel was named");
  auto& files = under_way_->listing.files;
  if (value.contains("path")) {
    files.push_back({value["path"], value.at("size").get<std::uint64_t>(), value.at("version"),
                     from_ms(value.at("modified_ms").get<std::int64_t>())});
    return std::nullopt;
  }
  if (value.at("files").get<std::size_t>() != files.size()) return not_understood(line, "files are missing");
  return std::exchange(under_way_, std::nullopt);
} catch (const json::exception& error) {
  return not_understood(line, error.what());
}

std::string answer_line(const FastFileAnswer& answer) {
  return line_of(std::visit(
      Overload{[](const FilesMounted&) {
                 return json{{"mounted", true}};
               },
               [](const FilesRefused& refused) {
                 return json{{"refused", refused.error.message}, {"users", refused.error.kind == Kind::invalid}};
               },
               [](const ChannelShown& shown) {
                 return json{{"shown", shown.channel}};
               },
               [](const FilesNote& note) {
                 return json{{"note", note.line}};
               }},
      answer));
}

Result<FastFileAnswer> parse_answer(std::string_view line) try {
  const json value = json::parse(line);
  if (value.contains("mounted")) return FilesMounted{};
  if (value.contains("refused")) {
    return FilesRefused{{value.at("users").get<bool>() ? Kind::invalid : Kind::permanent, value["refused"]}};
  }
  if (value.contains("shown")) return ChannelShown{value["shown"]};
  return FilesNote{value.at("note")};
} catch (const json::exception& error) {
  return not_understood(line, error.what());
}

}  // namespace holdfast::agent
