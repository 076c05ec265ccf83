// Measures the limits of this machine: float32 multiply-adds and copied bytes per second.
//
//     roofline THREADS SECONDS
//
// Compile it for the machine that it runs on. It prints JSON: the best of several repetitions,
// because other programs can only make it slower.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif
typedef float Vector __attribute__((vector_size(kVectorBytes)));

constexpr int kLanes = kVectorBytes / 4;
constexpr int kChains = 12;  // independent sums: two units of latency 4 or 5 need ten
constexpr long kSteps = 1 << 20;
constexpr size_t kCopied = size_t{256} << 20;  // far beyond any cache

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Sums that stay in registers. They differ and all are used, so the compiler cannot drop any.
float multiply_add(float factor, float term) {
  Vector sums[kChains];
  for (int chain = 0; chain < kChains; ++chain) sums[chain] = Vector{} + static_cast<float>(chain);
  const Vector by = Vector{} + factor, add = Vector{} + term;
  for (long step = 0; step < kSteps; ++step) {
#pragma GCC unroll 12
    for (int chain = 0; chain < kChains; ++chain) sums[chain] = sums[chain] * by + add;
  }
  float total = 0;
  for (const Vector& sum : sums) total += sum[0];
  return total;
}

// Returns the seconds in which all threads run `work(thread)`; they start together.
double together(int threads, const std::function<void(int)>& work) {
  std::atomic<int> waiting{threads};
  std::vector<double> ends(threads), begins(threads);
  std::vector<std::thread> all;
  for (int thread = 0; thread < threads; ++thread)
    all.emplace_back([&, thread] {
      --waiting;
      while (waiting.load() > 0) {
      }
      begins[thread] = seconds_now();
      work(thread);
      ends[thread] = seconds_now();
    });
  for (std::thread& each : all) each.join();
  return *std::max_element(ends.begin(), ends.end()) -
         *std::min_element(begins.begin(), begins.end());
}

double best(double seconds, const std::function<double()>& repetition) {
  const double end = seconds_now() + seconds;
  double least = repetition();
  while (seconds_now() < end) least = std::min(least, repetition());
  return least;
}

}  // namespace

int main(int count, char** words) {
  const int threads = count > 1 ? std::atoi(words[1]) : 0;
  const double seconds = count > 2 ? std::atof(words[2]) : 0;
  if (threads < 1 || seconds <= 0) {
    std::fprintf(stderr, "[roofline] expected THREADS >= 1 and SECONDS > 0\n");
    return 2;
  }
  std::vector<float> kept(threads);
  const double fma = best(seconds, [&] {
    return together(threads, [&](int thread) { kept[thread] = multiply_add(0.5f, 1.0f); });
  });
  std::vector<std::vector<char>> from(threads), to(threads);
  for (int thread = 0; thread < threads; ++thread) {
    from[thread].assign(kCopied, static_cast<char>(thread));
    to[thread].assign(kCopied, 0);
  }
  const double copy = best(seconds, [&] {
    return together(
        threads, [&](int thread) { std::memcpy(to[thread].data(), from[thread].data(), kCopied); });
  });
  const bool intact = kept[0] > 0 && to[threads - 1][kCopied - 1] == threads - 1;
  if (!intact) return 1;
  std::printf(
      "{\"threads\": %d, \"vector_bytes\": %d, \"gigaflops\": %.2f, \"copy_gb_per_s\": %.3f}\n",
      threads, kVectorBytes, 2.0 * kLanes * kChains * kSteps * threads / fma / 1e9,
      2.0 * kCopied * threads / copy / 1e9);
  return 0;
}
