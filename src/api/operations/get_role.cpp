// SageMaker's clients turn a role's name into its ARN before they create a job. There are no roles here: jobs take any,
// so any name has one.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "api/operations/operations.hpp"
#include "api/rules.hpp"
#include "api/shapes/identity.hpp"
#include "aws/sha256.hpp"

namespace holdfast::api::operations {
namespace {

constexpr std::size_t kIdDigits = 17;

// Of the form that IAM's have, and always the same for the same name.
std::string role_id(const std::string& name) {
  std::string digits = aws::sha256_hex(name).substr(0, kIdDigits);
  std::transform(digits.begin(), digits.end(), digits.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return "AROA" + digits;
}

}  // namespace

void get_role(const Call& call, Answer answer) {
  if (auto valid = validate(call.request, shapes::get_role_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const auto name = call.request.at("RoleName").get<std::string>();
  answer(dump({{"Role",
                {{"Path", "/"},
                 {"RoleName", name},
                 {"RoleId", role_id(name)},
                 {"Arn", fmt::format("arn:aws:iam::{}:role/{}", call.backends.account, name)},
                 {"CreateDate", 0}}}}));
}

}  // namespace holdfast::api::operations
