#include "api/search/page.hpp"

#include <iterator>
#include <nlohmann/json.hpp>
#include <tuple>

#include "api/hyper_parameters.hpp"

namespace holdfast::api::search {

using nlohmann::json;

SortKey sort_key(const Record& record, const Property& sort_by, std::string name) {
  SortKey key;
  key.name = std::move(name);
  const auto values = values_of(record, sort_by);
  if (values.empty()) return key;
  const json& value = *values.front();
  const auto in_text = sort_by.type == Type::mixed ? read_number(value.get<std::string>()) : std::nullopt;
  if (value.is_number() || in_text) {
    key.rank = SortKey::Rank::number;
    key.number = in_text ? *in_text : value.get<double>();
  } else {
    key.rank = SortKey::Rank::text;
    key.text = value.is_string() ? value.get<std::string>() : value.dump();
  }
  return key;
}

std::string encode(const SortKey& key) {
  const json parts = {static_cast<int>(key.rank), key.number, key.text};
  return parts.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<SortKey> decode_key(const std::string& text, const std::string& name) {
  const json parts = json::parse(text, nullptr, false);
  if (!parts.is_array() || parts.size() != 3 || !parts[0].is_number_integer() || !parts[1].is_number() ||
      !parts[2].is_string())
    return {};
  const auto rank = parts[0].get<int>();
  if (rank < 0 || rank > static_cast<int>(SortKey::Rank::absent)) return {};
  return SortKey{static_cast<SortKey::Rank>(rank), parts[1].get<double>(), parts[2].get<std::string>(), name};
}

bool Page::Before::operator()(const SortKey& a, const SortKey& b) const {
  if (a.rank != b.rank) return a.rank < b.rank;
  const auto left = std::tie(a.number, a.text);
  const auto right = std::tie(b.number, b.text);
  if (left != right) return ascending ? left < right : right < left;
  return a.name < b.name;
}

Page::Page(std::size_t limit, bool ascending, std::optional<SortKey> after)
    : limit_(limit), before_{ascending}, after_(std::move(after)), rows_(before_) {}

bool Page::wants(const SortKey& key) const {
  if (after_ && !before_(*after_, key)) return false;
  return rows_.size() <= limit_ || before_(key, rows_.rbegin()->first);
}

void Page::add(SortKey key, ports::StoredRow row) {
  rows_.insert_or_assign(std::move(key), std::move(row));
  if (rows_.size() > limit_ + 1) rows_.erase(std::prev(rows_.end()));
}

std::vector<const ports::StoredRow*> Page::rows() const {
  std::vector<const ports::StoredRow*> rows;
  for (auto row = rows_.begin(); row != rows_.end() && rows.size() < limit_; ++row) rows.push_back(&row->second);
  return rows;
}

std::optional<SortKey> Page::next() const {
  if (rows_.size() <= limit_) return {};
  return std::next(rows_.begin(), static_cast<std::ptrdiff_t>(limit_) - 1)->first;
}

}  // namespace holdfast::api::search
