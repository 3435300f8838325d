#include "support/writer_calls.hpp"

#include <algorithm>
#include <sstream>

#include "base/ensure.hpp"

namespace holdfast::testing {
namespace {

using Do = Call::Do;

const std::map<std::string, Do> kVerbs{{"mkdir", Do::mkdir},   {"rmdir", Do::rmdir},   {"open", Do::open},
                                       {"append", Do::append}, {"write", Do::write},   {"rewrite", Do::rewrite},
                                       {"extend", Do::extend}, {"map", Do::map},       {"sync", Do::sync},
                                       {"hold", Do::hold},     {"poke", Do::poke},     {"let_go", Do::let_go},
                                       {"close", Do::close},   {"rename", Do::rename}, {"link", Do::link},
                                       {"unlink", Do::unlink}, {"touch", Do::touch},   {"pause", Do::pause}};

// "{n}", "{n-2}"; numbers below one name what never was.
std::string with_number(std::string text, std::uint64_t number) {
  for (std::uint64_t back = 0; back <= 9; ++back) {
    const auto mark = back == 0 ? std::string("{n}") : "{n-" + std::to_string(back) + "}";
    const auto value = number > back ? std::to_string(number - back) : "none";
    for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at))
      text.replace(at, mark.size(), value);
  }
  return text;
}

// Bytes that no other place, file or checkpoint has.
std::string bytes_for(const std::string& path, std::uint64_t seed, std::uint64_t offset, std::uint64_t length) {
  std::uint64_t state = std::hash<std::string>{}(path) ^ (seed * 0x9e3779b97f4a7c15u) ^ (offset << 20);
  std::string bytes(length, '\0');
  for (std::uint64_t i = 0; i < length; ++i) {
    if (i % 64 == 0) state = state * 6364136223846793005u + 1442695040888963407u;
    bytes[i] = static_cast<char>((state >> 33) + i);
  }
  return bytes;
}

class Script {
 public:
  Script(const Pattern& pattern, std::uint64_t number, Contents& contents, std::uint64_t salt)
      : pattern_(pattern), number_(number), contents_(contents), seed_(number + (salt << 32)) {}

  std::vector<Call> run(const char* script) {
    std::istringstream lines(script);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(with_number(line, number_));
      std::string verb, path, to;
      words >> verb >> path >> to;
      if (!verb.empty() && verb.front() != '#') perform(verb, path, to);
    }
    return std::move(calls_);
  }

 private:
  void perform(const std::string& verb, const std::string& path, const std::string& to) {
    if (verb == "safe" || verb == "unsafe" || verb == "complete") {
      complete_ |= verb == "complete" || (verb == "safe" && !safe_);
      safe_ = verb != "unsafe";
      // Said after the call that makes it so.
      if (!calls_.empty()) mark(calls_.back());
    } else if (verb == "copy") {
      if (!contents_.contains(path)) return;
      add({.what = Do::open, .path = to});
      const auto bytes = contents_[path];
      add({.what = Do::write, .path = to, .bytes = bytes.substr(0, bytes.size() / 2)});
      add({.what = Do::write, .path = to, .bytes = bytes.substr(bytes.size() / 2)});
      add({.what = Do::close, .path = to});
    } else if (verb == "rmtree") {
      std::vector<std::string> below;
      for (const auto& [file, bytes] : contents_) {
        if (file.starts_with(path + "/")) below.push_back(file);
      }
      for (const auto& file : below) add({.what = Do::unlink, .path = file});
      add({.what = Do::rmdir, .path = path});
    } else {
      const auto known = kVerbs.find(verb);
      ENSURE(known != kVerbs.end(), "{}: no such call: {}", pattern_.name, verb);
      Call call{.what = known->second, .path = path, .to = to};
      const auto amount = to.empty() ? 0 : std::strtoull(to.c_str(), nullptr, 10);
      if (call.what == Do::pause) call.pause = Duration{std::strtoll(path.c_str(), nullptr, 10)};
      if (call.what == Do::write) call.bytes = bytes_for(path, seed_, contents_[path].size(), amount);
      if (call.what == Do::rewrite || call.what == Do::map || call.what == Do::poke)
        call.bytes = bytes_for(path, seed_, 1u << 30, amount);
      if (call.what == Do::extend) call.length = amount;
      add(std::move(call));
    }
  }

  void mark(Call& call) const {
    call.safe = safe_;
    call.reached = complete_ || number_ == 0 ? number_ : number_ - 1;
  }

  void add(Call call) {
    for (const auto& [verb, what] : kVerbs) {
      if (what == call.what) call.text = fmt::format("{} {} {}", verb, call.path, call.to);
    }
    mark(call);
    carry_out(call, contents_);
    calls_.push_back(std::move(call));
  }

  const Pattern& pattern_;
  const std::uint64_t number_;
  Contents& contents_;
  const std::uint64_t seed_;
  std::vector<Call> calls_;
  bool safe_ = true, complete_ = false;
};

void move_names(const std::string& from, const std::string& to, Contents& contents) {
  Contents moved;
  for (auto next = contents.begin(); next != contents.end();) {
    const auto& path = next->first;
    if (path != from && !path.starts_with(from + "/")) {
      ++next;
      continue;
    }
    moved[to + path.substr(from.size())] = std::move(next->second);
    next = contents.erase(next);
  }
  for (auto& [path, bytes] : moved) contents[path] = std::move(bytes);
}

void write_at(std::string& bytes, std::size_t offset, const std::string& written) {
  if (bytes.size() < offset + written.size()) bytes.resize(offset + written.size());
  bytes.replace(offset, written.size(), written);
}

// Logs are nothing that a program goes on from.
bool never_part_of_one(const std::string& path) {
  return path.find("events.out.tfevents.") != std::string::npos || path.ends_with(".sagemaker-ignore") ||
         path.ends_with(".sagemaker-uploading") || path.ends_with(".sagemaker-uploaded");
}

}  // namespace

std::vector<Call> calls_of(const Pattern& pattern, const char* script, std::uint64_t number, Contents& contents,
                           std::uint64_t salt) {
  return Script(pattern, number, contents, salt).run(script);
}

void carry_out(const Call& call, Contents& contents) {
  switch (call.what) {
    case Do::open:
      contents[call.path].clear();
      break;
    case Do::append:
      contents[call.path];
      break;
    case Do::write:
      contents[call.path] += call.bytes;
      break;
    case Do::rewrite:
    case Do::map:
    case Do::poke:
      write_at(contents[call.path], 0, call.bytes);
      break;
    case Do::extend:
      contents[call.path].resize(std::max<std::size_t>(contents[call.path].size(), call.length));
      break;
    case Do::rename:
      move_names(call.path, call.to, contents);
      break;
    case Do::link:
      contents[call.to] = contents[call.path];
      break;
    case Do::unlink:
      contents.erase(call.path);
      break;
    case Do::mkdir:
    case Do::rmdir:
    case Do::hold:
    case Do::let_go:
    case Do::sync:
    case Do::close:
    case Do::touch:
    case Do::pause:
      break;
  }
}

Contents visible(const Contents& contents) {
  Contents found;
  for (const auto& [path, bytes] : contents) {
    if (!path.starts_with('@') && !never_part_of_one(path)) found[path] = bytes;
  }
  return found;
}

std::string digest_of(const Contents& contents) {
  std::string all;
  for (const auto& [path, bytes] : contents) all += fmt::format("{} {} ", path, bytes.size()) + bytes;
  return all.empty() ? "nothing" : fmt::format("{} files, {:016x}", contents.size(), std::hash<std::string>{}(all));
}

}  // namespace holdfast::testing
