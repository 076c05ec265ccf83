// The thread of a FrameStream, the frames that it holds, and their counts.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "hvit_edge/frame_stream.h"
#include "stream/frame_copy.h"
#include "stream/frame_task.h"

namespace hvit_edge {

/// The members are those of FrameStream. The thread shares the worker, which therefore outlives a
/// FrameStream that is destroyed by its own callback.
class FrameWorker {
 public:
  /// Returns a new worker whose thread runs. `name` is the class that the caller created. Refuses
  /// what the task refused, and an empty callback.
  static Result<std::shared_ptr<FrameWorker>> started(const char* name, Result<FrameTask> task,
                                                      FrameStream::Callback callback);

  FrameWorker(FrameTask task, FrameStream::Callback callback);

  /// Once, after all else: stops, and leaves no thread running but the calling one.
  void finish();

  Result<std::uint64_t> submit(const ImageView& image,
                               std::optional<std::chrono::nanoseconds> timestamp);
  void reset_smoothing();
  void pause();
  void resume();
  Status drain();
  void stop();
  FrameCounts counts() const;

 private:
  struct Frame {
    FrameCopy copy;
    std::uint64_t number = 0;
    std::uint64_t average = 0;  // the average that it belongs to
    std::chrono::nanoseconds timestamp{0};
    std::chrono::steady_clock::time_point submitted;
  };

  // Called with mutex_ locked.
  Status check_running(const char* method) const;
  Status accept(std::optional<std::chrono::nanoseconds> given,
                std::chrono::steady_clock::time_point now, std::chrono::nanoseconds& timestamp);
  void drop_waiting();
  bool is_pending_until(std::uint64_t number) const;

  // Called on the worker thread, without the lock.
  void work();
  void process();
  Status run();
  bool call_back();

  bool on_worker_thread() const { return std::this_thread::get_id() == thread_.get_id(); }

  // Used only by the worker thread.
  const FrameTask task_;
  const FrameStream::Callback callback_;
  std::uint64_t average_begun_ = 0;
  FrameResult result_;
  std::unique_ptr<Frame> working_ = std::make_unique<Frame>();

  std::mutex producing_;  // one submit() at a time; locked before mutex_
  std::unique_ptr<Frame> filling_ = std::make_unique<Frame>();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<Frame> waiting_ = std::make_unique<Frame>();
  bool has_waiting_ = false;
  bool busy_ = false;  // working_ runs or is in the callback
  bool paused_ = false;
  bool stopping_ = false;
  bool finished_ = false;  // the thread uses nothing any more
  bool callback_threw_ = false;
  std::array<char, 256> thrown_ = {};  // text that needs no memory
  std::uint64_t average_ = 0;
  std::optional<std::chrono::nanoseconds> last_timestamp_;
  FrameCounts counts_;  // without `pending`

  std::thread thread_;
};

}  // namespace hvit_edge
