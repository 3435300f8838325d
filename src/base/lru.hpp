// A map of bounded size that forgets what was not used for longest.
#pragma once

#include <list>
#include <map>
#include <utility>

namespace holdfast {

template <class Key, class Value>
class Lru {
 public:
  explicit Lru(std::size_t limit) : limit_(limit) {}

  // Null when it is not there; otherwise valid until the next put().
  Value* find(const Key& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }

  Value& put(const Key& key, Value value) {
    if (Value* there = find(key)) return *there = std::move(value);
    entries_.emplace_front(key, std::move(value));
    places_[key] = entries_.begin();
    if (entries_.size() > limit_) {
      places_.erase(entries_.back().first);
      entries_.pop_back();
    }
    return entries_.front().second;
  }

  void erase(const Key& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return;
    entries_.erase(found->second);
    places_.erase(found);
  }

  // Of all keys at once.
  template <class Predicate>
  void erase_if(Predicate unwanted) {
    for (auto place = places_.begin(); place != places_.end();) {
      if (!unwanted(place->first)) {
        ++place;
        continue;
      }
      entries_.erase(place->second);
      place = places_.erase(place);
    }
  }

  std::size_t size() const { return entries_.size(); }

 private:
  using Entries = std::list<std::pair<Key, Value>>;
  std::size_t limit_;
  Entries entries_;  // newest first
  std::map<Key, typename Entries::iterator> places_;
};

}  // namespace holdfast
