// A file of lines that is written at its end and read in pieces, forward or backward. Positions are bytes from its
// beginning; a reader never looks further than it is told, so that a writer may go on meanwhile.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/result.hpp"
#include "telemetry/log_lines.hpp"

namespace holdfast::telemetry {

constexpr std::uint64_t kReadPiece = 256 * 1024;

class LogFile {
 public:
  static Result<LogFile> open(const std::filesystem::path& path, bool create);

  const std::string& name() const { return name_; }
  Result<std::uint64_t> size() const;
  Result<std::string> read(std::uint64_t from, std::uint64_t to) const;
  // Behind `at` nothing counts: should half of it ever stay there, the next one is written over it.
  Result<void> write(std::uint64_t at, std::string_view bytes);
  Result<void> cut(std::uint64_t size);

  // A piece of the file, in which lines lie. Whoever keeps it may write over a line that it was handed.
  using Piece = std::shared_ptr<std::string>;

  // Calls `line(position, text, piece)` for each line between two beginnings of lines, without its line feed, until it
  // returns false. `first_piece`: how much to read at first; whoever wants a few lines says less.
  template <class F>
  Result<void> for_each_line(std::uint64_t begin, std::uint64_t end, std::uint64_t first_piece, F line) const;
  // The same from the last line to the first.
  template <class F>
  Result<void> for_each_line_back(std::uint64_t begin, std::uint64_t end, std::uint64_t first_piece, F line) const;
  // Calls `line(position, text)`, for those who want all of them.
  template <class F>
  Result<void> for_each_line(std::uint64_t begin, std::uint64_t end, F line) const {
    return for_each_line(begin, end, kReadPiece, [&](std::uint64_t position, std::string_view text, const Piece&) {
      return line(position, text);
    });
  }

 private:
  LogFile(Fd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}
  Result<Piece> read_piece(std::uint64_t from, std::uint64_t to) const {
    auto text = read(from, to);
    if (!text) return fail(text.error());
    return std::make_shared<std::string>(std::move(*text));
  }

  Fd fd_;
  std::string name_;
};

template <class F>
Result<void> LogFile::for_each_line(std::uint64_t begin, std::uint64_t end, std::uint64_t first_piece, F line) const {
  for (auto size = first_piece; begin < end;) {
    const auto piece = read_piece(begin, std::min(end, begin + size));
    if (!piece) return fail(piece.error());
    std::string_view rest(**piece);
    for (auto feed = rest.find('\n'); feed != std::string_view::npos; feed = rest.find('\n')) {
      if (!line(begin, rest.substr(0, feed), *piece)) return {};
      begin += feed + 1;
      rest.remove_prefix(feed + 1);
    }
    // One line may be longer than a piece.
    const bool stuck = rest.size() == (*piece)->size();
    if (stuck && (size >= kMaxWrittenLine || begin + size >= end))
      return fail(Kind::permanent, "{}: a line without an end at {}", name_, begin);
    size = stuck ? kMaxWrittenLine : kReadPiece;
  }
  return {};
}

template <class F>
Result<void> LogFile::for_each_line_back(std::uint64_t begin, std::uint64_t end, std::uint64_t first_piece,
                                         F line) const {
  for (auto size = first_piece; begin < end;) {
    const std::uint64_t from = end - std::min(end - begin, size);
    const auto piece = read_piece(from, end);
    if (!piece) return fail(piece.error());
    const std::string_view text = **piece;
    // Amid a line, unless the piece reaches to the beginning: that line belongs to the next piece.
    const std::size_t first = from == begin ? 0 : std::min(text.size(), text.find('\n') + 1);
    if (first == text.size()) {
      if (size >= 2 * kMaxWrittenLine) return fail(Kind::permanent, "{}: a line without a beginning at {}", name_, end);
      size = 2 * kMaxWrittenLine;
      continue;
    }
    size = kReadPiece;
    std::string_view lines = text.substr(first);
    while (!lines.empty()) {
      // Without the last character, which ends the line itself. std::string_view::rfind() looks at one after the other.
      const auto* before = static_cast<const char*>(::memrchr(lines.data(), '\n', lines.size() - 1));
      const auto at = before == nullptr ? 0 : static_cast<std::size_t>(before + 1 - lines.data());
      end = from + first + at;
      if (!line(end, lines.substr(at, lines.size() - at - 1), *piece)) return {};
      lines = lines.substr(0, at);
    }
  }
  return {};
}

}  // namespace holdfast::telemetry
