// One request for an operation and its answer on the wire, whatever protocol it came in. Here it is decided, and
// nowhere else, which operation is meant and how it is spoken:
//
//   json_1_1  X-Amz-Target: PREFIX.Operation
//   json_1_0  the same with CloudWatch's prefix: what newer clients send
//   query     POST of a form with Action and Version: CloudWatch's, STS's and IAM's older clients
//   cbor      POST /service/PREFIX/operation/Operation with smithy-protocol: rpc-v2-cbor
//
// An operation sees JSON in and gives JSON out, and knows of none of this.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "api/protocol.hpp"
#include "aws/sigv4.hpp"
#include "http/message.hpp"

namespace holdfast::api::wire {

enum class Protocol { json_1_1, json_1_0, query, cbor };

// Nothing: the head names no operation, in any protocol.
std::optional<Protocol> protocol_of(const http::RequestHead& head);
// As far as the head tells: null for a form, whose body names the operation.
const OperationEntry* operation_of(const http::RequestHead& head);

class Exchange {
 public:
  // Without a body, as long as it has not come whole, a form's operation is not known.
  explicit Exchange(const http::RequestHead& head, std::string_view body = {});

  // Null: no such operation.
  const OperationEntry* operation() const { return entry_; }
  // What a signature must be for.
  std::string_view service() const { return service_; }
  aws::Dialect dialect() const { return protocol_ == Protocol::query ? aws::Dialect::query : aws::Dialect::json; }

  // The request as JSON. operation() must be known.
  [[nodiscard]] tl::expected<nlohmann::json, ApiError> read(std::string_view body) const;
  http::Response answer(const Outcome& outcome, const std::string& request_id) const;

 private:
  http::Response success(const std::string& json, const std::string& request_id) const;
  http::Response error(const ApiError& error, const std::string& request_id) const;

  Protocol protocol_ = Protocol::json_1_1;
  const OperationEntry* entry_ = nullptr;
  std::string_view service_;
  std::string_view xml_namespace_;
};

}  // namespace holdfast::api::wire
