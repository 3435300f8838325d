#pragma once

namespace holdfast {

// std::visit(Overload{[](A) {}, [](B) {}}, variant)
template <class... Fs>
struct Overload : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overload(Fs...) -> Overload<Fs...>;

}  // namespace holdfast
