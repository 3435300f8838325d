// What a server answers to our own client: a byte that says how the body is cut, a head up to its empty line, and a
// body in chunks. However it is cut, the same body must come out of it.
#include "fuzz/input.hpp"
#include "http/answer_parser.hpp"

namespace holdfast::fuzz {
namespace {

struct Outcome {
  bool right = true;
  bool ended = false;
  std::size_t taken = 0;
  std::string body = {};
};

Outcome take(std::string_view bytes, std::size_t size) {
  http::ChunkedBody chunks;
  Outcome outcome;
  while (outcome.taken < bytes.size() && !chunks.ended()) {
    const auto taken = chunks.take(bytes.substr(outcome.taken, size), [&](std::string_view block) -> Result<void> {
      ENSURE(!block.empty(), "a block of nothing");
      outcome.body += block;
      return {};
    });
    outcome.right = taken.has_value();
    if (!taken) {
      ENSURE(taken.error().kind == Kind::try_again, "{}", taken.error().message);
      return outcome;
    }
    ENSURE(chunks.ended() || *taken == std::min(size, bytes.size() - outcome.taken), "bytes are left lying");
    outcome.taken += *taken;
  }
  outcome.ended = chunks.ended();
  return outcome;
}

void check_head(std::string_view text) {
  const auto head = http::parse_answer_head(text);
  if (!head) {
    ENSURE(head.error().kind == Kind::try_again, "{}", head.error().message);
    return;
  }
  ENSURE(head->status >= 100 && head->status <= 999, "a status of {}", head->status);
  ENSURE(!(head->chunked && head->length), "a body of two lengths");
  for (const auto& [name, value] : head->headers) {
    ENSURE(!name.empty() && name.find_first_of(" \t\r\n:") == std::string::npos, "'{}' is no name", name);
    ENSURE(value.find_first_of(std::string_view{"\r\n\0", 3}) == std::string::npos, "a value of two lines");
  }
}

void check_body(std::string_view bytes, std::size_t size) {
  const auto whole = take(bytes, std::max<std::size_t>(bytes.size(), 1));
  const auto cut = take(bytes, size);
  ENSURE(whole.right == cut.right && whole.ended == cut.ended, "cut otherwise it is another answer");
  ENSURE(whole.body == cut.body, "cut otherwise it is another body");
  ENSURE(!whole.ended || whole.taken == cut.taken, "cut otherwise it ends elsewhere");
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast::fuzz;
  Input input(bytes, size);
  const std::size_t piece = 1 + input.byte() % 32;
  const auto rest = input.rest();
  const auto end = rest.find("\r\n\r\n");
  check_head(rest.substr(0, end == std::string_view::npos ? end : end + 4));
  check_body(end == std::string_view::npos ? rest : rest.substr(end + 4), piece);
  return 0;
}
