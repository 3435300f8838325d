// Names and numbers that must not be mixed up with other strings and numbers.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace holdfast {

// A string with a meaning: Id<struct JobTag> and Id<struct InstanceTag> do not convert into each other.
template <class Tag>
struct Id {
  std::string value;
  Id() = default;
  explicit Id(std::string text) : value(std::move(text)) {}
  auto operator<=>(const Id&) const = default;
  bool empty() const { return value.empty(); }
};

using JobName = Id<struct JobNameTag>;
using InstanceId = Id<struct InstanceIdTag>;
using PoolId = Id<struct PoolIdTag>;  // instance type, zone and market: "ml.m5.large/local/spot"

// Grows with every attempt over the whole service. Whatever carries an older fence than the job's current attempt is
// refused. Zero: none yet.
struct Fence {
  std::uint64_t value = 0;
  auto operator<=>(const Fence&) const = default;
};

// Names one complete checkpoint of a job. Ordered by fence first: whatever an older attempt still commits sorts below
// everything of a newer one.
struct GenerationId {
  Fence fence;
  std::uint64_t sequence = 0;  // from 1 within an attempt; 0 is the attempt's opening entry, which holds no files
  auto operator<=>(const GenerationId&) const = default;
};

// Money: a millionth of a US dollar.
using MicroDollars = std::int64_t;

}  // namespace holdfast

template <class Tag>
struct std::hash<holdfast::Id<Tag>> {
  std::size_t operator()(const holdfast::Id<Tag>& id) const noexcept { return std::hash<std::string>{}(id.value); }
};
