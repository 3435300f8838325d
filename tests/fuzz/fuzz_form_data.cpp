// A browser's form: in one piece and in pieces of the first byte's length it must be the same form, and what we frame
// ourselves comes back.
#include <fmt/format.h>

#include <vector>

#include "api/s3/form_data.hpp"
#include "fuzz/input.hpp"

namespace holdfast::fuzz {
namespace {

struct Read {
  std::vector<std::string> parts;  // name, file name, type, value
  std::string problem;
  bool complete = false;
  bool operator==(const Read&) const = default;
};

Read read(std::string_view form, const std::string& boundary, std::size_t piece) {
  Read found;
  api::s3::FormDataParser parser(boundary);
  std::string before;
  const api::s3::FormDataParser::Take take{
      [&](const api::s3::FormPart& part) -> Result<void> {
        found.parts.push_back(part.name + '\n' + part.filename.value_or("-") + '\n' + part.content_type + '\n');
        return {};
      },
      [&](std::string_view bytes) -> Result<void> {
        ENSURE(!bytes.empty() && !found.parts.empty(), "bytes of no part");
        found.parts.back() += bytes;
        return {};
      }};
  for (; !form.empty(); form.remove_prefix(std::min(piece, form.size())))
    ENSURE(parser.feed(form.substr(0, piece), take), "nothing failed to be taken");
  found.problem = parser.problem();
  found.complete = parser.complete();
  return found;
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  fuzz::Input input(bytes, size);
  const std::size_t piece = 1 + input.byte();
  const auto boundary = api::s3::form_boundary(input.line());
  const auto text = input.rest();
  if (!boundary) return 0;
  const auto whole = fuzz::read(text, *boundary, std::max<std::size_t>(1, text.size()));
  const auto in_pieces = fuzz::read(text, *boundary, piece);
  ENSURE(whole.problem.empty() == in_pieces.problem.empty() && whole.complete == in_pieces.complete,
         "it depends on the pieces: '{}' and '{}'", whole.problem, in_pieces.problem);
  // What is wrong with a form may be seen a part of a value later, or earlier.
  if (whole.problem.empty()) ENSURE(whole == in_pieces, "another form in pieces of {}", piece);
  if (text.find("\r\n--" + *boundary) != std::string_view::npos) return 0;
  const auto ours = fuzz::read(fmt::format("--{0}\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n\r\n"
                                           "{1}\r\n--{0}--\r\n",
                                           *boundary, text),
                               *boundary, piece);
  ENSURE(ours.complete && ours.parts.size() == 1 && ours.parts[0] == "a\nb\n\n" + std::string(text),
         "a form that we framed ourselves does not come back");
  return 0;
}
