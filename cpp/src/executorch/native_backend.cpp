#include "executorch/native_backend.h"

#include <executorch/runtime/backend/interface.h>
#include <executorch/runtime/core/event_tracer_hooks_delegate.h>
#include <executorch/runtime/platform/log.h>
#include <executorch/runtime/platform/platform.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "catching.h"
#include "executorch/dtypes.h"
#include "native/backend_name.h"
#include "native/loaded_plan.h"

namespace hvit_edge::native {
namespace {

using executorch::runtime::BackendExecutionContext;
using executorch::runtime::BackendInitContext;
using executorch::runtime::CompileSpec;
using executorch::runtime::DelegateHandle;
using executorch::runtime::Error;
using executorch::runtime::EValue;
using executorch::runtime::FreeableBuffer;

/// A loaded delegate.
struct Delegate {
  std::optional<FreeableBuffer> shared;  // the constants, if the plan shares them with others
  std::unique_ptr<LoadedPlan> plan;
};

// Points to the constants that the plans of a program share; they are read in place.
void find_shared(const BackendInitContext& context, std::optional<FreeableBuffer>& shared) {
  const auto* named = context.get_named_data_map();
  if (named == nullptr) return;
  auto found = named->get_data(kSharedConstants);
  if (found.ok()) shared.emplace(std::move(*found));
}

executorch::runtime::Result<DelegateHandle*> load(const BackendInitContext& context,
                                                  const FreeableBuffer& data) {
  auto delegate = std::make_unique<Delegate>();
  if (shares_constants(data.data(), data.size())) find_shared(context, delegate->shared);
  SharedConstants shared;
  if (delegate->shared) shared = {delegate->shared->data(), delegate->shared->size()};
  auto plan = LoadedPlan::load(data.data(), data.size(), shared);
  if (!plan.ok()) {
    if (plan.status().code() == StatusCode::out_of_memory) return Error::MemoryAllocationFailed;
    ET_LOG(Error, "%s", plan.status().message().c_str());
    return Error::DelegateInvalidCompatibility;
  }
  delegate->plan = std::move(plan).value();
  return static_cast<DelegateHandle*>(delegate.release());
}

// A value that is no tensor becomes an argument without data, which the plan refuses.
std::vector<Argument> arguments_of(executorch::runtime::Span<EValue*> values) {
  std::vector<Argument> arguments;
  for (const EValue* value : values) {
    Argument& argument = arguments.emplace_back();
    if (!value->isTensor()) continue;
    const auto& tensor = value->toTensor();
    argument.data = const_cast<void*>(tensor.const_data_ptr());
    argument.count = static_cast<std::int64_t>(tensor.numel());
    argument.type = from_executorch(tensor.scalar_type());
  }
  return arguments;
}

void report(executorch::runtime::EventTracer* tracer, const LoadedPlan& plan, const Ticks& ticks) {
  for (std::size_t i = 0; i + 1 < ticks.reads.size(); ++i) {
    executorch::runtime::event_tracer_log_profiling_delegate(
        tracer, plan.names()[i].c_str(), executorch::runtime::kUnsetDelegateDebugIntId,
        ticks.reads[i], ticks.reads[i + 1]);
  }
}

Error error_of(RunOutcome outcome) {
  switch (outcome) {
    case RunOutcome::done:
      return Error::Ok;
    case RunOutcome::wrong_arguments:
      return Error::InvalidArgument;
    case RunOutcome::no_memory:
      return Error::MemoryAllocationFailed;
  }
  return Error::Internal;
}

class Backend final : public executorch::runtime::BackendInterface {
 public:
  bool is_available() const override { return true; }

  executorch::runtime::Result<DelegateHandle*> init(
      BackendInitContext& context, FreeableBuffer* data,
      executorch::runtime::ArrayRef<CompileSpec>) const override {
    return catching([&] { return load(context, *data); },
                    [](Thrown, const char*) -> executorch::runtime::Result<DelegateHandle*> {
                      return Error::MemoryAllocationFailed;
                    });
  }

  Error execute(BackendExecutionContext& context, DelegateHandle* handle,
                executorch::runtime::Span<EValue*> values) const override {
    LoadedPlan& plan = *static_cast<Delegate*>(handle)->plan;
    executorch::runtime::EventTracer* tracer = context.event_tracer();
    Ticks ticks{executorch::runtime::pal_current_ticks};
    const RunOutcome outcome = plan.run(arguments_of(values), tracer != nullptr ? &ticks : nullptr);
    if (outcome == RunOutcome::done && tracer != nullptr) report(tracer, plan, ticks);
    return error_of(outcome);
  }

  void destroy(DelegateHandle* handle) const override { delete static_cast<Delegate*>(handle); }
};

}  // namespace

void register_backend() {
  static Backend backend;
  static const Error registered = executorch::runtime::register_backend({kBackendName, &backend});
  static_cast<void>(registered);
}

}  // namespace hvit_edge::native
