// `holdfast cp`: files into the service's object store, and an object out of it.
#include <filesystem>
#include <ostream>

#include "cli/commands.hpp"
#include "cli/text.hpp"

namespace holdfast::cli {

namespace fs = std::filesystem;

Result<int> upload(Service& service, const std::string& from, const std::string& to) try {
  auto place = parse_s3_place(to);
  if (!place) return fail(place.error());
  if (!fs::exists(from)) return fail(Kind::not_found, "there is no file or folder {}", from);
  if (const auto made = service.create_bucket(place->bucket); !made) return fail(made.error());
  const bool below = place->key.empty() || place->key.ends_with('/');
  if (!fs::is_directory(from)) {
    const std::string key = below ? place->key + fs::path{from}.filename().string() : place->key;
    if (const auto sent = service.put_object(place->bucket, key, from); !sent) return fail(sent.error());
    return 1;
  }
  const std::string prefix = below ? place->key : place->key + "/";
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator{from}) {
    if (!entry.is_regular_file()) continue;
    const std::string key = prefix + entry.path().lexically_relative(from).generic_string();
    if (const auto sent = service.put_object(place->bucket, key, entry.path()); !sent) return fail(sent.error());
    ++files;
  }
  if (files == 0) return fail(Kind::invalid, "the folder {} holds no files", from);
  return files;
} catch (const fs::filesystem_error& error) {
  return fail(Kind::permanent, "uploading {}: {}", from, error.what());
}

Result<std::string> download(Service& service, const std::string& from, const std::string& to) {
  const auto place = parse_s3_place(from);
  if (!place) return fail(place.error());
  const auto name = fs::path{place->key}.filename();
  if (name.empty()) return fail(Kind::invalid, "{} names no single object", from);
  std::error_code no_folder;
  const fs::path file = fs::is_directory(to, no_folder) ? fs::path{to} / name : fs::path{to};
  if (const auto got = service.get_object(place->bucket, place->key, file); !got) return fail(got.error());
  return file.string();
}

Result<int> copy(const Session& session, const CopyOptions& options) {
  if (options.from.starts_with("s3://")) {
    const auto file = download(session.service, options.from, options.to);
    if (!file) return fail(file.error());
    session.terminal.out << fmt::format("{} downloaded to {}\n", options.from, *file);
    return kExitDone;
  }
  const auto files = upload(session.service, options.from, options.to);
  if (!files) return fail(files.error());
  session.terminal.out << fmt::format("{} {} uploaded to {}\n", *files, *files == 1 ? "file" : "files", options.to);
  return kExitDone;
}

}  // namespace holdfast::cli
