#include "small/thread_pool.h"

#if !defined(HVIT_EDGE_NO_THREADS)

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/cpu_count.h"
#include "hvit_edge/threads.h"
#include "small/next_share.h"
#include "small/worker_cpus.h"

namespace hvit_edge::small {
namespace {

constexpr int kSpins = 4096;            // tens of microseconds
constexpr std::size_t kCacheLine = 64;  // what different threads write is not in the same one
constexpr std::size_t kStack = std::size_t{1} << 20;  // attention needs 400 kB, musl gives 128 kB
constexpr std::uint32_t kOpen = std::uint32_t{1} << 31;

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  asm volatile("yield");
#endif
}

/// Waits for some microseconds. Returns true if `holds` does.
template <typename Condition>
bool spin_until(const Condition& holds) {
  for (int i = 0; i < kSpins; ++i) {
    if (holds()) return true;
    relax();
  }
  return holds();
}

}  // namespace

// The work of an operation is open while its caller takes part in it. Workers that wake up later do
// not join it, and nobody waits for them.
struct ThreadPool::State {
  std::atomic<std::size_t> threads{1};
  std::atomic<pid_t> process{0};  // that started the workers; 0: none did
  std::vector<pthread_t> workers;
  std::vector<int> cpus;  // that workers run on; empty: all
  std::mutex one_caller;

  // The work; only changes while it is closed and no worker is in it.
  native::Job job = nullptr;
  const void* work = nullptr;
  std::int64_t count = 0;
  alignas(kCacheLine) std::atomic<std::int64_t> next{0};     // the first index that is left
  alignas(kCacheLine) std::atomic<std::uint32_t> inside{0};  // kOpen, and the number of workers
  alignas(kCacheLine) std::atomic<std::uint32_t> news{0};    // is raised for work, and to stop

  std::atomic<int> inferences{0};
  std::atomic<int> parked{0};
  std::atomic<bool> caller_waits{false};
  std::atomic<bool> stops{false};
  std::mutex mutex;  // of what waits below
  std::condition_variable wakes, left;

  void take_part();
  void announce();
  void await_workers();
  void leave();
  void await_news(std::uint32_t seen);
  void work_until_stopped();
  bool start(std::size_t threads);
  void stop();
};

void ThreadPool::State::take_part() {
  const auto sharing = static_cast<std::int64_t>(threads.load(std::memory_order_relaxed));
  std::int64_t first = next.load(std::memory_order_relaxed);
  while (first < count) {
    const std::int64_t end = first + next_share(count - first, sharing);
    if (!next.compare_exchange_weak(first, end, std::memory_order_relaxed)) continue;
    for (std::int64_t i = first; i < end; ++i) job(work, i);
    first = next.load(std::memory_order_relaxed);
  }
}

// A worker counts itself as parked before it looks for news the last time, and this looks for
// parked workers after the news: one of the two notices.
void ThreadPool::State::announce() {
  news.fetch_add(1);
  if (parked.load() == 0) return;
  const std::lock_guard<std::mutex> lock(mutex);
  wakes.notify_all();
}

void ThreadPool::State::await_workers() {
  inside.fetch_and(~kOpen);
  if (spin_until([this] { return inside.load() == 0; })) return;
  std::unique_lock<std::mutex> lock(mutex);
  caller_waits = true;
  left.wait(lock, [this] { return inside.load() == 0; });
  caller_waits = false;
}

void ThreadPool::State::leave() {
  if (inside.fetch_sub(1) != 1 || !caller_waits.load()) return;
  const std::lock_guard<std::mutex> lock(mutex);
  left.notify_one();
}

void ThreadPool::State::await_news(std::uint32_t seen) {
  const auto is_news = [&] { return news.load() != seen; };
  const auto is_news_or_idle = [&] { return is_news() || inferences.load() == 0; };
  if (spin_until(is_news_or_idle) && is_news()) return;
  std::unique_lock<std::mutex> lock(mutex);
  parked.fetch_add(1);
  wakes.wait(lock, is_news);
  parked.fetch_sub(1);
}

void ThreadPool::State::work_until_stopped() {
  stay_on(cpus);
  std::uint32_t seen = 0;
  for (;;) {
    await_news(seen);
    seen = news.load();
    if (stops.load()) return;
    std::uint32_t found = inside.load();
    bool joined = false;
    while ((found & kOpen) != 0 && !joined) {
      joined = inside.compare_exchange_weak(found, found + 1);
    }
    if (!joined) continue;
    take_part();
    leave();
  }
}

// Does not use std::thread, which throws if there is no thread.
bool ThreadPool::State::start(std::size_t wanted) {
  const auto main = [](void* state) -> void* {
    static_cast<State*>(state)->work_until_stopped();
    return nullptr;
  };
  news = 0;
  stops = false;
  process = getpid();
  threads = wanted;
  cpus = worker_cpus(wanted, fast_cpus(), allowed_cpus());
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  bool starts = pthread_attr_setstacksize(&attributes, kStack) == 0;
  while (starts && workers.size() + 1 < wanted) {
    pthread_t worker;
    starts = pthread_create(&worker, &attributes, main, this) == 0;
    if (starts) workers.push_back(worker);
  }
  pthread_attr_destroy(&attributes);
  return starts;
}

void ThreadPool::State::stop() {
  stops = true;
  announce();
  for (const pthread_t worker : workers) pthread_join(worker, nullptr);
  workers.clear();
}

ThreadPool::ThreadPool() : state_(std::make_unique<State>()) {
  state_->threads = static_cast<std::size_t>(auto_threads());
}

ThreadPool::~ThreadPool() { state_->stop(); }

std::size_t ThreadPool::threads() const { return state_->threads; }

// A fork of the process has no workers, and a copy of what they were waiting for. Both are left as
// they are.
void ThreadPool::leave_parent() {
  if (state_->process == 0 || state_->process == getpid()) return;
  auto own = std::make_unique<State>();
  own->threads = state_->threads.load();
  static_cast<void>(state_.release());
  state_ = std::move(own);
}

bool ThreadPool::resize(std::size_t threads) {
  leave_parent();
  const std::size_t before = state_->threads;
  if (state_->process != 0 && threads == before) return true;
  state_->stop();
  if (state_->start(threads)) return true;
  state_->stop();
  if (!state_->start(before)) state_->threads = state_->workers.size() + 1;
  return false;
}

void ThreadPool::run(std::int64_t count, native::Job job, const void* work) {
  State& state = *state_;
  if (count <= 1 || state.threads == 1) {
    for (std::int64_t i = 0; i < count; ++i) job(work, i);
    return;
  }
  const std::lock_guard<std::mutex> alone(state.one_caller);
  if (state.process == 0 && !state.start(state.threads)) {
    state.threads = state.workers.size() + 1;
  }
  state.job = job;
  state.work = work;
  state.count = count;
  state.next = 0;
  state.inside = kOpen;
  state.announce();
  state.take_part();
  state.await_workers();
}

void ThreadPool::begin_inference() {
  leave_parent();
  state_->inferences.fetch_add(1);
}

void ThreadPool::end_inference() { state_->inferences.fetch_sub(1); }

}  // namespace hvit_edge::small

#endif
