#include "executorch/runtime_log.h"

#include <executorch/runtime/platform/platform.h>
#include <executorch/runtime/platform/runtime.h>

#include <algorithm>
#include <mutex>
#include <string_view>

#include "catching.h"

namespace hvit_edge {
namespace {

thread_local RuntimeLog* current = nullptr;
pal_emit_log_message_method previous_emit = nullptr;

// ExecuTorch writes "Missing operator: [3] aten::sort.values".
constexpr char kMissing[] = "Missing operator: [";

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
    if (!error) return;
    const std::string_view written(message, length);
    catching([&] { keep(written, *current); }, [](Thrown, const char*) {});
  }

  static void keep(std::string_view message, RuntimeLog& log) {
    if (message.substr(0, sizeof(kMissing) - 1) == kMissing) {
      const std::string name(message.substr(message.find("] ") + 2));
      std::vector<std::string>& names = log.missing_operators_;
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    if (!log.first_error_.empty()) return;
    while (!message.empty() && message.back() == '.') message.remove_suffix(1);
    log.first_error_ = message;
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
