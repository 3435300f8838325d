#include "agent/counted_folder.hpp"

namespace holdfast::agent {

class CountedFolder::File final : public NewFile {
 public:
  File(std::unique_ptr<NewFile> inner, std::atomic<std::uint64_t>& bytes) : inner_(std::move(inner)), bytes_(bytes) {}

  Result<void> write(std::uint64_t offset, std::string_view bytes) override {
    if (inner_) {
      if (auto written = inner_->write(offset, bytes); !written) return written;
    }
    bytes_ += bytes.size();
    return {};
  }
  Result<checkpoint::FileIdentity> place(std::int64_t mtime_ns, std::uint32_t mode) override {
    return inner_ ? inner_->place(mtime_ns, mode) : checkpoint::FileIdentity{};
  }

 private:
  std::unique_ptr<NewFile> inner_;
  std::atomic<std::uint64_t>& bytes_;
};

Result<std::unique_ptr<NewFile>> CountedFolder::create(const std::string& path) {
  std::unique_ptr<NewFile> file;
  if (inner_) {
    auto made = inner_->create(path);
    if (!made) return made;
    file = std::move(*made);
  }
  return std::make_unique<File>(std::move(file), bytes_);
}

}  // namespace holdfast::agent
