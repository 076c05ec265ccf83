#include "stream/frame_worker.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "guard.h"
#include "text.h"

namespace hvit_edge {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

namespace {

// Leaves no result of an earlier frame, and keeps the memory.
void clear(FrameResult& result) {
  result.predictions.clear();
  result.embedding.clear();
  result.mask.width = result.mask.height = 0;
  result.mask.classes.clear();
  result.mask.confidence.clear();
  result.detections.clear();
}

}  // namespace

FrameWorker::FrameWorker(FrameTask task, FrameStream::Callback callback)
    : task_(std::move(task)), callback_(std::move(callback)) {}

Result<std::shared_ptr<FrameWorker>> FrameWorker::started(const char* name, Result<FrameTask> task,
                                                          FrameStream::Callback callback) {
  if (!callback) {
    return Status(
        StatusCode::invalid_argument,
        concat("[", name, ".create] expected a callback, got an empty function; pass one"));
  }
  if (!task.ok()) return task.status();
  auto worker = std::make_shared<FrameWorker>(std::move(task).value(), std::move(callback));
  worker->thread_ = std::thread([worker] { worker->work(); });
  return worker;
}

void FrameWorker::finish() {
  stop();
  if (on_worker_thread()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

Status FrameWorker::check_running(const char* method) const {
  if (callback_threw_) {
    return Status(StatusCode::invalid_argument,
                  concat("[", task_.name, ".", method,
                         "] expected a callback that throws nothing, got: ", thrown_.data(),
                         "; catch it there and create another ", task_.name));
  }
  if (!stopping_) return Status();
  return Status(StatusCode::invalid_argument,
                concat("[", task_.name, ".", method, "] expected a running ", task_.name,
                       ", got one that was stopped; create another"));
}

Status FrameWorker::accept(std::optional<nanoseconds> given, steady_clock::time_point now,
                           nanoseconds& timestamp) {
  if (Status status = check_running("submit"); !status.ok()) return status;
  if (!given) {
    // Coarse clocks may return the same time twice.
    timestamp = now.time_since_epoch();
    if (last_timestamp_) timestamp = std::max(timestamp, *last_timestamp_ + nanoseconds(1));
    return Status();
  }
  timestamp = *given;
  if (!last_timestamp_ || timestamp > *last_timestamp_) return Status();
  return Status(StatusCode::invalid_argument,
                concat("[", task_.name, ".submit] expected a timestamp later than ",
                       last_timestamp_->count(), " ns, got ", timestamp.count(),
                       " ns; submit frames in order, or call reset_smoothing() if a new clock "
                       "begins"));
}

Result<std::uint64_t> FrameWorker::submit(const ImageView& image,
                                          std::optional<nanoseconds> given) {
  if (Status status = validate(image); !status.ok()) return status;
  const std::lock_guard<std::mutex> one_at_a_time(producing_);
  const steady_clock::time_point now = steady_clock::now();
  nanoseconds timestamp{0};
  std::unique_lock<std::mutex> lock(mutex_);
  if (Status status = accept(given, now, timestamp); !status.ok()) return status;
  if (!paused_) {
    // Other threads run meanwhile, so a frame that was accepted may still have to be refused.
    lock.unlock();
    filling_->copy.take(image);
    lock.lock();
    if (Status status = accept(given, now, timestamp); !status.ok()) return status;
  }
  last_timestamp_ = timestamp;
  const std::uint64_t number = ++counts_.submitted;
  if (paused_) {
    ++counts_.dropped;
    return number;
  }
  filling_->number = number;
  filling_->average = average_;
  filling_->timestamp = timestamp;
  filling_->submitted = now;
  drop_waiting();
  std::swap(filling_, waiting_);
  has_waiting_ = true;
  changed_.notify_all();
  return number;
}

void FrameWorker::drop_waiting() {
  if (has_waiting_) ++counts_.dropped;
  has_waiting_ = false;
}

void FrameWorker::reset_smoothing() {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++average_;
  last_timestamp_.reset();
}

void FrameWorker::pause() {
  const std::lock_guard<std::mutex> lock(mutex_);
  paused_ = true;
  drop_waiting();
  changed_.notify_all();
}

void FrameWorker::resume() {
  const std::lock_guard<std::mutex> lock(mutex_);
  paused_ = false;
}

bool FrameWorker::is_pending_until(std::uint64_t number) const {
  return (has_waiting_ && waiting_->number <= number) || (busy_ && working_->number <= number);
}

Status FrameWorker::drain() {
  if (on_worker_thread()) {
    return Status(StatusCode::invalid_argument,
                  concat("[", task_.name,
                         ".drain] expected a call from outside the callback, got one from "
                         "within, which would wait for itself; drain on another thread"));
  }
  std::unique_lock<std::mutex> lock(mutex_);
  const std::uint64_t last = counts_.submitted;
  changed_.wait(lock, [&] { return !is_pending_until(last); });
  return callback_threw_ ? check_running("drain") : Status();
}

void FrameWorker::stop() {
  std::unique_lock<std::mutex> lock(mutex_);
  stopping_ = true;
  drop_waiting();
  changed_.notify_all();
  if (on_worker_thread()) return;
  changed_.wait(lock, [this] { return finished_; });
}

FrameCounts FrameWorker::counts() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  FrameCounts counts = counts_;
  counts.pending = (has_waiting_ ? 1 : 0) + (busy_ ? 1 : 0);
  return counts;
}

void FrameWorker::work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || has_waiting_; });
    if (stopping_) break;
    std::swap(waiting_, working_);
    has_waiting_ = false;
    busy_ = true;
    lock.unlock();
    process();
    const bool returned = call_back();
    lock.lock();
    busy_ = false;
    ++counts_.processed;
    if (!result_.status.ok()) ++counts_.failed;
    if (!returned) {
      callback_threw_ = stopping_ = true;
      drop_waiting();
    }
    changed_.notify_all();
  }
  finished_ = true;
  changed_.notify_all();
}

void FrameWorker::process() {
  const Frame& frame = *working_;
  result_.frame = frame.number;
  result_.timestamp = frame.timestamp;
  result_.submitted = frame.submitted;
  // There may be no memory for the sentence that says so; this text needs none.
  result_.status = catching(
      [this] { return guarded(task_.name, [this] { return run(); }); },
      [](Thrown, const char*) { return Status(StatusCode::out_of_memory, "out of memory"); });
  if (!result_.status.ok()) clear(result_);
  result_.finished = steady_clock::now();
}

Status FrameWorker::run() {
  const Frame& frame = *working_;
  if (frame.average != average_begun_ && task_.reset) task_.reset();
  average_begun_ = frame.average;
  return catching([&] { return task_.run(frame.copy.view(), result_); },
                  [this](Thrown thrown, const char* what) {
                    if (thrown == Thrown::no_memory) return no_memory(task_.name);
                    return Status(StatusCode::execution_failed,
                                  concat("[", task_.name, "] expected a Status, got an exception: ",
                                         what, "; return a Status instead"));
                  });
}

// Returns false if the callback threw. Needs no memory.
bool FrameWorker::call_back() {
  const auto call = [this] {
    callback_(result_);
    return true;
  };
  return catching(call, [this](Thrown, const char* what) {
    std::snprintf(thrown_.data(), thrown_.size(), "%s", what);
    return false;
  });
}

}  // namespace hvit_edge
