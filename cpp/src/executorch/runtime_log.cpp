#include "executorch/runtime_log.h"

#include <executorch/runtime/platform/platform.h>
#include <executorch/runtime/platform/runtime.h>

#include <mutex>

#include "catching.h"

namespace hvit_edge {
namespace {

thread_local RuntimeLog* current = nullptr;
pal_emit_log_message_method previous_emit = nullptr;

}  // namespace

struct RuntimeLogSink {
  static void emit(et_timestamp_t timestamp, et_pal_log_level_t level, const char* file,
                   const char* function, size_t line, const char* message, size_t length) {
    if (current == nullptr) {
      if (previous_emit != nullptr) {
        previous_emit(timestamp, level, file, function, line, message, length);
      }
      return;
    }
    const bool error = level == et_pal_log_level_t::kError || level == et_pal_log_level_t::kFatal;
    if (!error || !current->first_error_.empty()) return;
    std::string& text = current->first_error_;
    const auto keep = [&] {
      text.assign(message, length);
      while (!text.empty() && text.back() == '.') text.pop_back();
    };
    catching(keep, [&](Thrown, const char*) { text.clear(); });
  }

  static void install() {
    executorch::runtime::runtime_init();
    previous_emit = executorch::runtime::get_pal_impl()->emit_log_message;
    executorch::runtime::register_pal(
        executorch::runtime::PalImpl::create(&RuntimeLogSink::emit, __FILE__));
  }
};

RuntimeLog::RuntimeLog() : outer_(current) {
  static std::once_flag once;
  std::call_once(once, &RuntimeLogSink::install);
  current = this;
}

RuntimeLog::~RuntimeLog() { current = outer_; }

}  // namespace hvit_edge
