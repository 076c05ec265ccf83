// What a FrameWorker does with a frame.
#pragma once

#include <functional>

#include "hvit_edge/frame_stream.h"

namespace hvit_edge {

/// Is called only on the worker thread.
struct FrameTask {
  const char* name = "FrameStream";  ///< the class that messages name
  FrameStream::Run run;
  std::function<void()> reset;  ///< the next frame begins a new average; may be empty
};

}  // namespace hvit_edge
