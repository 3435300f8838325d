#include "aws/canonical.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>

namespace holdfast::aws {

namespace {

constexpr std::string_view kSignatureMember = "X-Amz-Signature";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.' || c == '~';
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_encoded(std::string& out, char c) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

std::string encode(std::string_view text, bool keep_slash) {
  std::string out;
  out.reserve(text.size() + 16);
  for (const char c : text) {
    if (is_unreserved(c) || (keep_slash && c == '/'))
      out += c;
    else
      append_encoded(out, c);
  }
  return out;
}

std::string decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0;
    if (!escape) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
    i += 2;
  }
  return out;
}

// Calls visit(name, value), both still encoded, for each member.
template <class Visit>
void each_member(std::string_view query, Visit visit) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto member = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (member.empty()) continue;
    const auto equals = std::min(member.find('='), member.size());
    visit(member.substr(0, equals), member.substr(std::min(equals + 1, member.size())));
  }
}

// Decoded and encoded again, since clients differ in what they leave bare and in the case of their hex digits.
std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> members;
  each_member(query, [&](std::string_view name, std::string_view value) {
    if (name != kSignatureMember) members.emplace_back(encode(decode(name), false), encode(decode(value), false));
  });
  std::sort(members.begin(), members.end());
  std::string out;
  for (const auto& [name, value] : members) {
    if (!out.empty()) out += '&';
    out += name;
    out += '=';
    out += value;
  }
  return out;
}

// Without spaces at its ends, and with one for each run of them inside.
void append_trimmed(std::string& out, std::string_view value) {
  bool space = false, any = false;
  for (const char c : value) {
    if (c == ' ' || c == '\t') {
      space = true;
      continue;
    }
    if (space && any) out += ' ';
    out += c;
    space = false;
    any = true;
  }
}

void append_header(std::string& out, const SignedRequest& request, const std::string& name) {
  out += name;
  out += ':';
  bool first = true;
  for (const auto& [field, value] : request.headers) {
    if (!same_name(field, name)) continue;
    if (!std::exchange(first, false)) out += ',';
    append_trimmed(out, value);
  }
  out += '\n';
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string result{text};
  for (char& c : result) c = lower(c);
  return result;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

const std::string* find_header(const SignedRequest& request, std::string_view name) {
  for (const auto& [field, value] : request.headers)
    if (same_name(field, name)) return &value;
  return nullptr;
}

std::optional<std::string> find_query(const SignedRequest& request, std::string_view name) {
  std::optional<std::string> found;
  each_member(request.query, [&](std::string_view member, std::string_view value) {
    if (!found && member == name) found = decode(value);
  });
  return found;
}

std::vector<std::pair<std::string, std::string>> query_members(const SignedRequest& request) {
  std::vector<std::pair<std::string, std::string>> members;
  each_member(request.query, [&](std::string_view name, std::string_view value) {
    members.emplace_back(decode(name), decode(value));
  });
  return members;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string join(const std::vector<std::string>& parts, char separator) {
  std::string out;
  for (const auto& part : parts) {
    if (!out.empty()) out += separator;
    out += part;
  }
  return out;
}

std::string canonical_request(const SignedRequest& request, const std::vector<std::string>& signed_headers,
                              std::string_view payload_hash, bool s3) {
  std::string out;
  out.reserve(1024);
  out += request.method;
  out += '\n';
  // S3's keys are encoded once, everybody else's paths once more.
  out += s3 ? request.path : encode(request.path, true);
  out += '\n';
  out += canonical_query(request.query);
  out += '\n';
  for (const auto& name : signed_headers) append_header(out, request, name);
  out += '\n';
  out += join(signed_headers, ';');
  out += '\n';
  out += payload_hash;
  return out;
}

std::string credential_scope(const Scope& scope) {
  return fmt::format("{}/{}/{}/{}", scope.date, scope.region, scope.service, kTerminator);
}

Sha256Bytes derive_signing_key(const Scope& scope, std::string_view secret) {
  const auto date = hmac_sha256("AWS4" + std::string{secret}, scope.date);
  const auto region = hmac_sha256(as_view(date), scope.region);
  const auto service = hmac_sha256(as_view(region), scope.service);
  return hmac_sha256(as_view(service), kTerminator);
}

std::string signature(const Sha256Bytes& key, std::string_view date, const Scope& scope, std::string_view canonical) {
  const auto to_sign = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, date, credential_scope(scope), sha256_hex(canonical));
  return to_hex(as_view(hmac_sha256(as_view(key), to_sign)));
}

std::string to_basic_time(Instant at) {
  const auto iso = to_iso8601(at);  // "2026-11-23T09:35:06.123Z"
  std::string basic;
  for (const char c : std::string_view{iso}.substr(0, 19))
    if (c != '-' && c != ':') basic += c;
  return basic + 'Z';
}

std::optional<Instant> from_basic_time(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  bool digits = true;
  const auto number = [&](std::size_t at, std::size_t length) {
    int value = 0;
    for (const char c : text.substr(at, length)) {
      digits = digits && c >= '0' && c <= '9';
      value = value * 10 + (c - '0');
    }
    return value;
  };
  const std::chrono::year_month_day date{std::chrono::year{number(0, 4)},
                                         std::chrono::month{static_cast<unsigned>(number(4, 2))},
                                         std::chrono::day{static_cast<unsigned>(number(6, 2))}};
  const int hour = number(9, 2), minute = number(11, 2), second = number(13, 2);
  if (!digits || !date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return std::chrono::sys_days{date} + hours{hour} + minutes{minute} + seconds{second};
}

}  // namespace holdfast::aws
