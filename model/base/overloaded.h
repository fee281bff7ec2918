#pragma once

namespace mtesim {

/// Several lambdas as one visitor: std::visit(Overloaded{[](const A&) {…}, [](const auto&) {…}}, variant).
template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

}  // namespace mtesim
