// The one spelling of a request that both sides sign, step by step as AWS's signing guide has it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/sigv4.hpp"

namespace holdfast::aws {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";

std::string lower_case(std::string_view text);
bool same_name(std::string_view a, std::string_view b);
// The first header of that name, or null; the name's case does not matter.
const std::string* find_header(const SignedRequest& request, std::string_view name);
// The first query member of that name, percent-decoded.
std::optional<std::string> find_query(const SignedRequest& request, std::string_view name);

// All query members, percent-decoded, in their order.
std::vector<std::pair<std::string, std::string>> query_members(const SignedRequest& request);
// For signatures: how long it takes tells nothing of where they differ.
bool equal_in_constant_time(std::string_view a, std::string_view b);

// `signed_headers` in the order in which they are to be listed, in lower case.
std::string canonical_request(const SignedRequest& request, const std::vector<std::string>& signed_headers,
                              std::string_view payload_hash, bool s3);
std::string join(const std::vector<std::string>& parts, char separator);

std::string credential_scope(const Scope& scope);
Sha256Bytes derive_signing_key(const Scope& scope, std::string_view secret);
// In hex.
std::string signature(const Sha256Bytes& key, std::string_view date, const Scope& scope, std::string_view canonical);

// "20261123T093506Z"
std::string to_basic_time(Instant at);
std::optional<Instant> from_basic_time(std::string_view text);

}  // namespace holdfast::aws
