// A folder that says how much was written into it, over another one; or over none, for bytes that are only to be
// checked.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "agent/folder.hpp"

namespace holdfast::agent {

class CountedFolder final : public Folder {
 public:
  explicit CountedFolder(std::unique_ptr<Folder> inner = nullptr) : inner_(std::move(inner)) {}

  std::uint64_t bytes() const { return bytes_; }  // from any thread

  Result<std::unique_ptr<NewFile>> create(const std::string& path) override;
  Result<void> make_link(const checkpoint::Link& link) override {
    return inner_ ? inner_->make_link(link) : Result<void>{};
  }
  void remove(const std::string& path) override {
    if (inner_) inner_->remove(path);
  }
  Result<FolderScan> scan() override { return inner_ ? inner_->scan() : FolderScan{}; }
  FolderChanges changes() override { return inner_ ? inner_->changes() : FolderChanges{}; }
  void wait(Duration most) override {
    if (inner_) inner_->wait(most);
  }
  void wake() override {
    if (inner_) inner_->wake();
  }
  Result<std::unique_ptr<OpenFile>> open(const std::string& path) override {
    if (!inner_) return fail(Kind::not_found, "{}: nothing is kept here", path);
    return inner_->open(path);
  }

 private:
  class File;

  std::unique_ptr<Folder> inner_;
  std::atomic<std::uint64_t> bytes_ = 0;
};

}  // namespace holdfast::agent
