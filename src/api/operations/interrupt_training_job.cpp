// The game day: takes a job's instance away, as the market would, with or without a warning.
#include <nlohmann/json.hpp>

#include "api/operations/operations.hpp"
#include "api/rules.hpp"
#include "api/shapes/common.hpp"

namespace holdfast::api::operations {

namespace {

constexpr std::int64_t kMaxNoticeSeconds = 3600;

const Shape& input() {
  static const ShapePtr shape_of_input =
      shape(Structure{{{"TrainingJobName", shapes::name(63), kRequired},
                       {"NoticeInSeconds", shape(Integer{.min = 0, .max = kMaxNoticeSeconds}), kRequired}}});
  return *shape_of_input;
}

// A job that is there but has nothing to interrupt is another mistake than a job that is not there.
ApiError refusal(ports::JobStore& store, const JobName& name, const Error& error) {
  if (error.kind == Kind::not_found && store.exists(name).value_or(false)) return validation(error.message);
  return to_api_error(error);
}

}  // namespace

void interrupt_training_job(const Call& call, Answer answer) {
  if (auto valid = validate(call.request, input()); !valid) return answer(tl::unexpected(valid.error()));
  JobName name{call.request.at("TrainingJobName").get<std::string>()};
  const Duration notice = seconds{call.request.at("NoticeInSeconds").get<std::int64_t>()};
  auto done = [&store = call.backends.store, name, answer = std::move(answer)](Result<engine::Receipt> receipt) {
    if (!receipt) return answer(tl::unexpected(refusal(store, name, receipt.error())));
    answer(std::string("{}"));
  };
  call.backends.engine.interrupt(std::move(name), notice, std::move(done));
}

}  // namespace holdfast::api::operations
