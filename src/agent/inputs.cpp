#include "agent/inputs.hpp"

#include <fmt/format.h>

#include <utility>

#include "agent/channels.hpp"

namespace holdfast::agent {

namespace {

// Of channels that are sharded: a job has one instance.
constexpr HostShare kShare{};

}  // namespace

Inputs::Inputs(ports::ObjectStore& objects, Host& host, const std::vector<job::Channel>& channels,
               std::function<void(const std::string& line)> note)
    : objects_(objects), host_(host), channels_(channels), note_(std::move(note)) {}

void Inputs::begin() {
  feeds_.clear();
  feeds_.resize(channels_.size());
}

Result<void> Inputs::bring(std::size_t i) {
  const auto& channel = channels_[i];
  auto got = channel.mode == job::InputMode::Pipe       ? feed(channel, feeds_[i])
             : channel.mode == job::InputMode::FastFile ? show(channel, feeds_[i])
                                                        : copy(channel);
  if (!got) return fail(got.error(), "downloading channel '{}'", channel.name);
  return {};
}

Result<void> Inputs::copy(const job::Channel& channel) {
  auto folder = host_.channel_folder(channel.name);
  if (!folder) return fail(folder.error());
  auto got = download_channel(objects_, channel, kShare, **folder, host_.tasks());
  if (!got) return fail(got.error());
  return {};
}

Result<void> Inputs::feed(const job::Channel& channel, std::unique_ptr<ChannelFeed>& feed) {
  auto stream = find_stream(objects_, channel, kShare);
  if (!stream) return fail(stream.error());
  auto started = host_.feed_channel(objects_, channel.name, std::move(*stream));
  if (!started) return fail(started.error());
  feed = std::move(*started);
  return {};
}

Result<void> Inputs::show(const job::Channel& channel, std::unique_ptr<ChannelFeed>& feed) {
  if (channel.type != job::SourceType::S3Prefix) return copy(channel);
  const auto listing = list_channel(objects_, channel, kShare);
  if (!listing) return fail(listing.error());
  auto shown = host_.show_channel(channel.name, *listing, note_);
  if (shown) {
    feed = std::move(*shown);
    return {};
  }
  if (shown.error().kind == Kind::invalid) return fail(shown.error());
  if (!said_it_copies_.exchange(true)) {
    note_(fmt::format("channels in FastFile mode are copied before the start, as in File mode: {}",
                      shown.error().message));
  }
  return copy(channel);
}

std::optional<Inputs::Trouble> Inputs::trouble(bool of_files_only) const {
  for (std::size_t i = 0; i < feeds_.size(); ++i) {
    const bool files = channels_[i].mode == job::InputMode::FastFile;
    if (!feeds_[i] || (of_files_only && !files)) continue;
    if (const auto error = feeds_[i]->trouble()) return Trouble{channels_[i].name, *error, files};
  }
  return std::nullopt;
}

void Inputs::let_go() {
  for (const auto& feed : feeds_) {
    if (feed) feed->let_go();
  }
}

}  // namespace holdfast::agent
