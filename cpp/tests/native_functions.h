// Every function of one number by its definition, in double precision.
#pragma once

#include <algorithm>
#include <cmath>

#include "native/operations.h"

namespace hvit_edge::native::testing {

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
inline double clamped(double x, double low, double high) {
  return std::min(std::max(x, low), high);
}

struct Known {
  Function function;
  double (*value)(double x, double a, double b);
};

inline const Known kKnown[] = {
    {Function::sigmoid, [](double x, double, double) { return sigmoid(x); }},
    {Function::hardsigmoid, [](double x, double, double) { return clamped(x + 3, 0, 6) / 6; }},
    {Function::hardswish, [](double x, double, double) { return x * clamped(x + 3, 0, 6) / 6; }},
    {Function::clamp, [](double x, double a, double b) { return clamped(x, a, b); }},
    {Function::tanh, [](double x, double, double) { return std::tanh(x); }},
    {Function::gelu_tanh,
     [](double x, double, double) {
       return x * sigmoid(2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x));
     }},
    {Function::leaky_relu, [](double x, double a, double) { return x < 0 ? a * x : x; }},
    {Function::elu,
     [](double x, double a, double b) { return b * (x < 0 ? a * std::expm1(x) : x); }},
    {Function::exp, [](double x, double, double) { return std::exp(x); }},
    {Function::log, [](double x, double, double) { return std::log(x); }},
    {Function::sqrt, [](double x, double, double) { return std::sqrt(x); }},
    {Function::rsqrt, [](double x, double, double) { return 1 / std::sqrt(x); }},
    {Function::power, [](double x, double a, double) { return std::pow(x, a); }},
    {Function::abs, [](double x, double, double) { return std::abs(x); }},
    {Function::reciprocal, [](double x, double, double) { return 1 / x; }},
    {Function::softplus,
     [](double x, double a, double b) { return a * x > b ? x : std::log1p(std::exp(a * x)) / a; }},
    {Function::mish,
     [](double x, double, double) { return x * std::tanh(std::log1p(std::exp(x))); }},
    {Function::sin, [](double x, double, double) { return std::sin(x); }},
    {Function::cos, [](double x, double, double) { return std::cos(x); }},
    {Function::erf, [](double x, double, double) { return std::erf(x); }},
    {Function::floor, [](double x, double, double) { return std::floor(x); }},
    {Function::ceil, [](double x, double, double) { return std::ceil(x); }},
    {Function::round, [](double x, double, double) { return std::nearbyint(x); }},
    {Function::sign, [](double x, double, double) { return double((x > 0) - (x < 0)); }},
};

inline bool takes_negatives(Function function) {
  return function != Function::log && function != Function::sqrt && function != Function::rsqrt &&
         function != Function::power && function != Function::reciprocal;
}

}  // namespace hvit_edge::native::testing
