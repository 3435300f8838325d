// A training job made from an algorithm by name: what the algorithm demands of it and gives to it.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "ports/algorithm_store.hpp"

namespace holdfast::api {

// How long a job may wait for spot capacity and run when its algorithm cannot go on where it was interrupted:
// SageMaker's own limit. It holds for algorithms only, never for a user's image.
constexpr std::int64_t kMaxWaitSecondsWithoutCheckpoints = 3600;

// The algorithm says so by its tag holdfast:checkpoints, or else it is one of SageMaker's that are known to: see
// is_known_to_checkpoint().
bool saves_checkpoints(const ports::Algorithm& algorithm, const nlohmann::json& training_specification);

// SageMaker's own algorithms and framework images that save checkpoints: image-classification, object-detection,
// semantic-segmentation, sagemaker-xgboost from 0.90-1, and those for TensorFlow, PyTorch, MXNet and Hugging Face.
// `image`: an algorithm's name, or an image with or without registry, tag and digest.
bool is_known_to_checkpoint(std::string_view image);

// The message of the first demand that the request does not meet. `request`: a CreateTrainingJob that passed the rules
// of its fields, without nulls, before its defaults are filled in.
std::optional<std::string> refuse_use(const ports::Algorithm& algorithm, const nlohmann::json& training_specification,
                                      const nlohmann::json& request);

// The algorithm's metric definitions, and its defaults for hyperparameters that were not given.
void take_over(const nlohmann::json& training_specification, nlohmann::json& request);

}  // namespace holdfast::api
