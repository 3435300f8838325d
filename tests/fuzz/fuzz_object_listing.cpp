// Objects by any name, and the lists of them: a prefix, a delimiter, a byte for the size of the pages, and keys, each
// ending in NUL. The pages together must hold what a plain walk over all keys finds.
#include <set>
#include <system_error>

#include "api/memory_objects.hpp"
#include "api/s3/listing.hpp"
#include "fuzz/input.hpp"
#include "objects/file_store.hpp"
#include "support/temp_dir.hpp"

namespace holdfast::fuzz {
namespace {

using namespace api;

constexpr std::size_t kMaxKeys = 24;
const std::string kBucket = "bkt";

struct Question {
  std::string prefix, delimiter;
  std::size_t page = 1;
  s3::ListKind kind = s3::ListKind::version_2;
  std::set<std::string> keys;  // as a request may name them
};

Question question_from(Input input) {
  Question question;
  question.prefix = input.until('\0');
  question.delimiter = input.until('\0');
  const auto byte = input.byte();
  question.page = 1 + byte % 4;
  question.kind = (byte & 4) != 0   ? s3::ListKind::version_2
                  : (byte & 8) != 0 ? s3::ListKind::versions
                                    : s3::ListKind::version_1;
  while (!input.empty() && question.keys.size() < kMaxKeys) {
    const std::string key{input.until('\0')};
    const http::RequestHead named{"PUT", "/" + kBucket + "/" + s3::url_encode(key), {}, ""};
    if (const auto parsed = s3::parse(named, ""); parsed && !parsed->key.empty()) question.keys.insert(parsed->key);
  }
  return question;
}

void check_store(const Question& question) {
  static const testing::TempDir directory;  // one for all runs, emptied by each
  static const auto store = std::move(*objects::FileStore::open(directory.path(), objects::Durability::process));
  ENSURE(store->create_bucket(kBucket), "a bucket");
  for (const auto& key : question.keys) {
    const auto put = store->put_bytes(kBucket, key, key);
    ENSURE(put, "{}", put.error().message);
  }
  std::vector<std::string> expected, listed;
  for (const auto& key : question.keys) {
    const auto bytes = store->get_bytes(kBucket, key, s3::kMaxKeyBytes);
    ENSURE(bytes && *bytes == key, "another object at '{}'", key);
    if (key.starts_with(question.prefix)) expected.push_back(key);
  }
  for (bool more = true; more;) {
    const auto page = store->list(kBucket, question.prefix, listed.empty() ? "" : listed.back(), question.page);
    ENSURE(page, "{}", page.error().message);
    ENSURE(page->objects.size() <= question.page && (!page->truncated || !page->objects.empty()), "a page of {}",
           page->objects.size());
    for (const auto& object : page->objects) listed.push_back(object.key);
    more = page->truncated;
  }
  ENSURE(listed == expected, "other keys are listed");
  for (const auto& key : question.keys) ENSURE(store->remove(kBucket, key), "removing '{}'", key);
  const auto left = store->list(kBucket, "", "", 1);
  ENSURE(left && left->objects.empty(), "something is left");
  std::error_code error;
  std::filesystem::remove_all(directory / kBucket, error);
}

struct Shown {
  std::vector<std::string> keys, folders;
  bool operator==(const Shown&) const = default;
};

Shown expected_of(const Question& question) {
  Shown shown;
  for (const auto& key : question.keys) {
    if (!key.starts_with(question.prefix)) continue;
    const auto end =
        question.delimiter.empty() ? std::string::npos : key.find(question.delimiter, question.prefix.size());
    if (end == std::string::npos) {
      shown.keys.push_back(key);
      continue;
    }
    const auto folder = key.substr(0, end + question.delimiter.size());
    if (shown.folders.empty() || shown.folders.back() != folder) shown.folders.push_back(folder);
  }
  return shown;
}

void check_listing(const Question& question) {
  testing::MemoryObjects objects;
  ENSURE(objects.create_bucket(kBucket), "a bucket");
  for (const auto& key : question.keys) ENSURE(objects.put_bytes(kBucket, key, ""), "an object");
  objects.page_size = question.page;
  Shown shown;
  s3::Listing listing;
  for (std::size_t pages = 0;; ++pages) {
    ENSURE(pages <= question.keys.size(), "pages without an end");
    s3::Listing next;
    next.kind = question.kind;
    next.bucket = kBucket;
    next.prefix = question.prefix;
    next.delimiter = question.delimiter;
    next.max_keys = question.page;
    (question.kind == s3::ListKind::version_2 ? next.continuation : next.after) = listing.next;
    listing = std::move(next);
    ENSURE(s3::fill(listing, objects), "a listing");
    ENSURE(listing.objects.size() + listing.common_prefixes.size() <= question.page, "more than a page");
    for (const auto& object : listing.objects) shown.keys.push_back(object.key);
    shown.folders.insert(shown.folders.end(), listing.common_prefixes.begin(), listing.common_prefixes.end());
    if (!listing.truncated) break;
    ENSURE(!listing.next.empty(), "more, but not from where");
  }
  ENSURE(shown == expected_of(question), "other keys or folders are listed");
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  const auto question = fuzz::question_from({bytes, size});
  fuzz::check_store(question);
  fuzz::check_listing(question);
  return 0;
}
