// The order of a search's results, and the one page of it that was asked for: as many rows are kept as a page has, no
// matter how many there are.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "api/search/expression.hpp"
#include "ports/job_store.hpp"

namespace holdfast::api::search {

// Where a job stands: numbers before texts, what lacks the property last, whichever way the rest goes; then by name.
struct SortKey {
  enum class Rank { number, text, absent };
  Rank rank = Rank::absent;
  double number = 0;
  std::string text;
  std::string name;
};

SortKey sort_key(const Record& record, const Property& sort_by, std::string name);
// As part of a page token, and back; nothing: it is not one.
std::string encode(const SortKey& key);
std::optional<SortKey> decode_key(const std::string& text, const std::string& name);

class Page {
 public:
  // `after`: where the page before ended.
  Page(std::size_t limit, bool ascending, std::optional<SortKey> after);

  // Whether a job that stands there would be on the page, as far as is known by now.
  bool wants(const SortKey& key) const;
  void add(SortKey key, ports::StoredRow row);

  // In their order; the last one says where the next page begins.
  std::vector<const ports::StoredRow*> rows() const;
  // Of the last row, when there is more behind it.
  std::optional<SortKey> next() const;

 private:
  struct Before {
    bool ascending;
    bool operator()(const SortKey& a, const SortKey& b) const;
  };
  std::size_t limit_;
  Before before_;
  std::optional<SortKey> after_;
  std::map<SortKey, ports::StoredRow, Before> rows_;  // one more than the page has: then there is more
};

}  // namespace holdfast::api::search
