#include "telemetry/log_stream.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace holdfast::telemetry {

namespace {

constexpr std::uint64_t kTailPiece = 4 * 1024;
constexpr std::size_t kRecordsAtOnce = 1024;
constexpr std::uint64_t kLeastPiece = 4 * 1024;
constexpr std::uint64_t kUsualLine = 160;  // bytes as kept
constexpr std::size_t kUsualPage = 100;    // events, of those who poll

// How much of a log to read first: what the lines of a page usually take, since most pages are a small part of a block.
std::uint64_t first_piece(const ports::LogQuery& query) {
  return std::clamp(std::min<std::uint64_t>(query.limit, kReadPiece) * kUsualLine, kLeastPiece, kReadPiece);
}

// The events of a page as they are found, in the order in which they are read, and what they lie in.
class Page {
 public:
  explicit Page(const ports::LogQuery& query) : query_(query) {
    shown_.events.reserve(std::min(query.limit, kUsualPage));
  }

  // False: the page is full, and the event is not on it.
  bool add(const RawEvent& raw, const LogFile::Piece& piece) {
    if (raw.timestamp_ms < query_.start_ms || raw.timestamp_ms >= query_.end_ms) return true;
    if (shown_.events.size() == query_.limit) return false;
    char* text = piece->data() + (raw.escaped.data() - piece->data());
    const auto message = unescape_in_place(text, raw.escaped.size());
    if (!empty() && bytes_ + message.size() > kMaxPageBytes) return false;
    bytes_ += message.size();
    shown_.events.push_back({raw.timestamp_ms, raw.ingestion_ms, message});
    if (shown_.texts.empty() || shown_.texts.back() != piece) shown_.texts.push_back(piece);
    return true;
  }
  bool empty() const { return shown_.events.empty(); }

  // In the order of the stream.
  ports::LogPage give_away(std::uint64_t first, std::uint64_t next) {
    if (query_.backward) std::reverse(shown_.events.begin(), shown_.events.end());
    shown_.first = first;
    shown_.next = next;
    return std::move(shown_);
  }

 private:
  const ports::LogQuery& query_;
  std::size_t bytes_ = 0;
  ports::LogPage shown_;
};

}  // namespace

void LogStream::Tail::take(std::uint64_t line_end, std::int64_t timestamp_ms, std::int64_t ingestion) {
  end = line_end;
  span.take(timestamp_ms);
  running_ms = std::max(running_ms, timestamp_ms);
  ingestion_ms = std::max(ingestion_ms, ingestion);
}

void LogStream::Tail::close_into(std::vector<IndexRecord>& records) {
  if (end - begin < kBlockBytes) return;
  records.push_back({end, span, running_ms, ingestion_ms});
  begin = end;
  span = {};
}

// ---- opening

Result<LogStream> LogStream::open(const std::filesystem::path& path, const std::filesystem::path& index_path,
                                  bool create, std::int64_t now_ms) {
  auto file = LogFile::open(path, create);
  if (!file) return fail(file.error());
  LogStream stream(std::move(*file));
  if (auto recovered = stream.recover(); !recovered) return fail(recovered.error());
  if (auto indexed = stream.open_index(index_path, now_ms); !indexed) {
    log_warn("reading without an index: {}", indexed.error().message);
    stream.index_.reset();
  }
  if (auto read = stream.catch_up(); !read) return fail(read.error());
  return stream;
}

// Looks at the end only; the part behind the last B line is as long as a batch at most.
Result<void> LogStream::recover() {
  const auto length = file_.size();
  if (!length) return fail(length.error());
  for (std::uint64_t looked = std::min(*length, kTailPiece);; looked = std::min(*length, looked * 4)) {
    const auto tail = file_.read(*length - looked, *length);
    if (!tail) return fail(tail.error());
    // A piece that begins amid a line cannot mistake its rest for a B line: it would need a line feed before it.
    const bool whole = looked == *length;
    const auto first_line = whole ? 0 : std::min(tail->size(), tail->find('\n') + 1);
    const auto last = last_batch_in(std::string_view(*tail).substr(first_line));
    if (!last && !whole) {
      if (looked > 2 * kMaxBatchBytes) return fail(Kind::permanent, "{}: this is no log stream", file_.name());
      continue;
    }
    size_ = last ? *length - looked + first_line + last->end : 0;
    if (last) last_batch_ = last->id;
    break;
  }
  if (size_ == *length) return {};
  log_warn("{}: cutting off {} bytes of an unfinished batch", file_.name(), *length - size_);
  return file_.cut(size_);
}

Result<void> LogStream::open_index(const std::filesystem::path& path, std::int64_t now_ms) {
  created_ms_ = now_ms;
  auto index = LogIndex::open(path, file_, size_);
  if (!index) return fail(index.error());
  if (!index->created_ms()) {
    // A stream of before there was an index began, as far as anybody knows, when its first line came.
    auto first = file_.for_each_line(0, size_, [&](std::uint64_t, std::string_view line) {
      const auto event = parse_event(line);
      if (event) created_ms_ = event->ingestion_ms;
      return !event;
    });
    if (!first) return first;
    if (auto begun = index->begin(created_ms_); !begun) return begun;
  }
  created_ms_ = *index->created_ms();
  index_ = std::move(*index);
  return {};
}

// Reads what the index does not know: a block at most, unless the index was lost.
Result<void> LogStream::catch_up() {
  const IndexRecord known = index_ ? index_->last() : IndexRecord{};
  tail_ = {known.end, known.end, {}, known.running_ms, known.ingestion_ms};
  Tail tail = tail_;
  std::vector<IndexRecord> records;
  auto read = file_.for_each_line(known.end, size_, [&](std::uint64_t position, std::string_view line) {
    if (const auto event = parse_event(line)) {
      tail.take(position + line.size() + 1, event->timestamp_ms, event->ingestion_ms);
      tail.close_into(records);
      if (records.size() == kRecordsAtOnce) {
        note(records, tail);
        tail = tail_;
        records.clear();
      }
    }
    return true;
  });
  note(records, tail);
  return read;
}

// Where the index cannot take the records, they stay a part of the tail, which is then read where one might have been
// passed over.
void LogStream::note(const std::vector<IndexRecord>& records, Tail tail) {
  if (!records.empty()) {
    const auto noted = index_ ? index_->append(records) : Result<void>(fail(Kind::not_found, "no index"));
    if (!noted) {
      if (index_) log_warn("{}", noted.error().message);
      tail.begin = tail_.begin;
      tail.span.take(tail_.span);
      for (const auto& record : records) tail.span.take(record.span);
    }
  }
  tail_ = tail;
}

// ---- what is there

Extent LogStream::extent() const {
  const IndexRecord known = index_ ? index_->last() : IndexRecord{};
  return {size_, index_ ? index_->size() : 0, {tail_.begin, size_, tail_.span, known.running_ms, tail_.running_ms}};
}

ports::LogStreamFacts LogStream::facts() const {
  ports::LogStreamFacts facts;
  facts.created_ms = created_ms_;
  if (tail_.running_ms == kNever) return facts;
  facts.first_event_ms = std::min(index_ ? index_->min_ms() : TimeSpan{}.min_ms, tail_.span.min_ms);
  facts.last_event_ms = tail_.running_ms;
  facts.last_ingestion_ms = tail_.ingestion_ms;
  return facts;
}

// ---- writing

Result<void> LogStream::append(const BatchId& batch, const std::vector<ports::LogEvent>& lines) {
  std::string text;
  std::vector<IndexRecord> records;
  Tail tail = tail_;
  for (const auto& line : lines) {
    append_event_line(text, line);
    if (line.message.size() > kMaxLineBytes || text.size() > kMaxBatchBytes) {
      return fail(Kind::invalid, "writing {}: a line of more than {} or a batch of more than {} bytes", file_.name(),
                  kMaxLineBytes, kMaxBatchBytes);
    }
    tail.take(size_ + text.size(), line.timestamp_ms, line.ingestion_ms);
    tail.close_into(records);
  }
  append_batch_line(text, batch);
  if (auto written = file_.write(size_, text); !written) return written;
  size_ += text.size();
  last_batch_ = batch;
  note(records, tail);
  return {};
}

// ---- reading

Result<void> LogStream::check_position(std::uint64_t position) const {
  if (position == 0) return {};
  const auto before = file_.read(position - 1, position);
  if (!before) return fail(before.error());
  if (*before == "\n") return {};
  return fail(Kind::invalid, "{}: no line begins at position {}", file_.name(), position);
}

Result<ports::LogPage> LogStream::read(const Extent& extent, const ports::LogQuery& query) const {
  ports::LogQuery asked = query;
  if (asked.position == ports::kEndOfLog) asked.position = extent.size;
  if (asked.position > extent.size)
    return fail(Kind::invalid, "{}: there is no position {}", file_.name(), asked.position);
  if (auto is_one = check_position(asked.position); !is_one) return fail(is_one.error());
  return asked.backward ? read_backward(extent, asked) : read_forward(extent, asked);
}

Result<ports::LogPage> LogStream::read_forward(const Extent& extent, const ports::LogQuery& query) const {
  auto blocks = this->blocks(extent);
  const auto asked = blocks.containing(query.position);
  if (!asked) return fail(asked.error());
  const auto reaching = blocks.reaching(query.start_ms);
  if (!reaching) return fail(reaching.error());
  Page page(query);
  std::uint64_t next = query.position;
  std::uint64_t first = query.position;
  std::uint64_t scanned = 0;
  bool full = false;
  for (std::size_t k = std::max(*asked, *reaching); k < blocks.size() && !full && scanned < kMaxScannedBytes; ++k) {
    const auto block = blocks.at(k);
    if (!block) return fail(block.error());
    if (!block->span.meets(query.start_ms, query.end_ms)) {
      next = std::max(next, block->end);
      continue;
    }
    next = std::max(query.position, block->begin);
    scanned += block->end - next;
    const auto read =
        file_.for_each_line(next, block->end, first_piece(query),
                            [&](std::uint64_t position, std::string_view line, const LogFile::Piece& piece) {
                              if (const auto event = parse_event(line)) {
                                const bool none_yet = page.empty();
                                full = !page.add(*event, piece);
                                if (full) return false;
                                if (none_yet && !page.empty()) first = position;
                              }
                              next = position + line.size() + 1;
                              return true;
                            });
    if (!read) return fail(read.error());
  }
  const bool at_end = page.empty() && next == extent.size;
  if (at_end) return ports::LogPage{{}, query.position, query.position};
  return page.give_away(first, next);
}

Result<ports::LogPage> LogStream::read_backward(const Extent& extent, const ports::LogQuery& query) const {
  auto blocks = this->blocks(extent);
  const auto last = blocks.containing(query.position);
  if (!last) return fail(last.error());
  Page page(query);
  std::uint64_t first = query.position;
  std::uint64_t scanned = 0;
  bool full = false;
  std::size_t k = *last + 1;
  while (k > 0 && !full && scanned < kMaxScannedBytes) {
    const auto block = blocks.at(--k);
    if (!block) return fail(block.error());
    // Nothing before it is so late either.
    if (block->running_ms < query.start_ms) k = 0;
    if (!block->span.meets(query.start_ms, query.end_ms)) {
      if (page.empty()) first = block->begin;
      continue;
    }
    const std::uint64_t end = std::min(block->end, query.position);
    scanned += end - std::min(end, block->begin);
    const auto read =
        file_.for_each_line_back(block->begin, end, first_piece(query),
                                 [&](std::uint64_t position, std::string_view line, const LogFile::Piece& piece) {
                                   if (const auto event = parse_event(line)) {
                                     full = !page.add(*event, piece);
                                     if (full) return false;
                                   }
                                   first = position;
                                   return true;
                                 });
    if (!read) return fail(read.error());
  }
  const bool at_beginning = k == 0 && !full;
  if (at_beginning && page.empty()) return ports::LogPage{{}, query.position, query.position};
  return page.give_away(first, query.position);
}

}  // namespace holdfast::telemetry
