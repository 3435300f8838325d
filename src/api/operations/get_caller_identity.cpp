// Who asks: the account, and the user that an access key stands for.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/operations/operations.hpp"
#include "api/rules.hpp"
#include "api/shapes/identity.hpp"

namespace holdfast::api::operations {

void get_caller_identity(const Call& call, Answer answer) {
  if (auto valid = validate(call.request, shapes::get_caller_identity_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const std::string& account = call.backends.account;
  const auto& principal = call.principal;
  answer(dump({{"UserId", principal.access_key},
               {"Account", account},
               {"Arn", fmt::format("arn:aws:iam::{}:{}", account,
                                   principal.name == kRootName ? "root" : "user/" + principal.name)}}));
}

}  // namespace holdfast::api::operations
