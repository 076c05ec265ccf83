#include "backend.h"

#include <executorch/runtime/backend/interface.h>
#include <executorch/runtime/core/event_tracer_hooks_delegate.h>
#include <executorch/runtime/platform/log.h>
#include <executorch/runtime/platform/platform.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "arguments.h"
#include "catching.h"
#include "operators.h"
#include "read_plan.h"

namespace hvit_edge::native {
namespace {

using executorch::runtime::BackendExecutionContext;
using executorch::runtime::BackendInitContext;
using executorch::runtime::CompileSpec;
using executorch::runtime::DelegateHandle;
using executorch::runtime::Error;
using executorch::runtime::EValue;
using executorch::runtime::FreeableBuffer;

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kSlack = 64;  // vectors may be read beyond the last value

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

/// A plan that is ready to run.
struct Program {
  std::optional<FreeableBuffer> shared;  // the constants, if the plan shares them with others
  Plan plan;
  std::unique_ptr<void, Free> arena;
  std::unique_ptr<void, Free> input, output;  // copies of the arguments, if they are needed
  RunOperation run = nullptr;

  std::int64_t inputs() const { return count_of(plan.input_bytes); }
  std::int64_t outputs() const { return count_of(plan.output_bytes); }

 private:
  std::int64_t count_of(std::size_t bytes) const {
    return static_cast<std::int64_t>(bytes) / bytes_of(plan.number);
  }
};

std::unique_ptr<void, Free> allocate(std::size_t bytes) {
  const std::size_t whole = (bytes + kSlack + kAlignment - 1) / kAlignment * kAlignment;
  return std::unique_ptr<void, Free>(std::aligned_alloc(kAlignment, whole));
}

bool allocate_copies(Program& program) {
  if (program.input == nullptr) program.input = allocate(program.plan.input_bytes);
  if (program.output == nullptr) program.output = allocate(program.plan.output_bytes);
  return program.input != nullptr && program.output != nullptr;
}

// Points to the constants that the plans of a program share; they are read in place.
Error find_shared(const BackendInitContext& context, std::optional<FreeableBuffer>& shared) {
  const auto* named = context.get_named_data_map();
  if (named == nullptr) return Error::NotFound;
  auto found = named->get_data(kSharedConstants);
  if (!found.ok()) return found.error();
  shared.emplace(std::move(*found));
  return Error::Ok;
}

executorch::runtime::Result<Program*> load(const BackendInitContext& context,
                                           const FreeableBuffer& data) {
  auto program = std::make_unique<Program>();
  if (shares_constants(data.data(), data.size()) &&
      find_shared(context, program->shared) != Error::Ok) {
    ET_LOG(Error,
           "[native.load] expected the constants that the plan shares with others, got a program "
           "without them; compile the model again");
    return Error::DelegateInvalidCompatibility;
  }
  SharedConstants shared;
  if (program->shared) shared = {program->shared->data(), program->shared->size()};
  Result<Plan> plan = read_plan(data.data(), data.size(), shared);
  if (!plan.ok()) {
    ET_LOG(Error, "%s", plan.status().message().c_str());
    return Error::DelegateInvalidCompatibility;
  }
  program->plan = std::move(*plan);
  program->run = fastest_operators(program->plan.number);
  program->arena = allocate(program->plan.arena_bytes);
  if (program->arena == nullptr) return Error::MemoryAllocationFailed;
  if (program->plan.number == Number::float16 && !allocate_copies(*program)) {
    return Error::MemoryAllocationFailed;
  }
  return program.release();
}

// Counting instructions numbers the reads of the clock and knows those of XNNPACK: one for the run,
// one before the first operation, one after each.
void run_measured(const Program& program, const Bases& bases,
                  executorch::runtime::EventTracer* tracer) {
  const Plan& plan = program.plan;
  std::vector<et_timestamp_t> reads(plan.operations.size() + 1);
  executorch::runtime::pal_current_ticks();
  reads[0] = executorch::runtime::pal_current_ticks();
  for (std::size_t i = 0; i < plan.operations.size(); ++i) {
    program.run(plan.operations[i], bases);
    reads[i + 1] = executorch::runtime::pal_current_ticks();
  }
  for (std::size_t i = 0; i < plan.operations.size(); ++i) {
    executorch::runtime::event_tracer_log_profiling_delegate(
        tracer, plan.names[i].c_str(), executorch::runtime::kUnsetDelegateDebugIntId, reads[i],
        reads[i + 1]);
  }
}

void run_all(const Program& program, const Bases& bases, executorch::runtime::EventTracer* tracer) {
  if (tracer != nullptr) return run_measured(program, bases, tracer);
  for (const Operation& operation : program.plan.operations) program.run(operation, bases);
}

class Backend final : public executorch::runtime::BackendInterface {
 public:
  bool is_available() const override { return true; }

  executorch::runtime::Result<DelegateHandle*> init(
      BackendInitContext& context, FreeableBuffer* data,
      executorch::runtime::ArrayRef<CompileSpec>) const override {
    return catching(
        [&]() -> executorch::runtime::Result<DelegateHandle*> {
          auto program = load(context, *data);
          if (!program.ok()) return program.error();
          return static_cast<DelegateHandle*>(*program);
        },
        [](Thrown, const char*) -> executorch::runtime::Result<DelegateHandle*> {
          return Error::MemoryAllocationFailed;
        });
  }

  Error execute(BackendExecutionContext& context, DelegateHandle* handle,
                executorch::runtime::Span<EValue*> arguments) const override {
    auto& program = *static_cast<Program*>(handle);
    Arguments given;
    if (!split_arguments(arguments, program.inputs(), program.outputs(), given)) {
      return Error::InvalidArgument;
    }
    Bases bases;
    bases.of[static_cast<int>(Space::arena)] = static_cast<char*>(program.arena.get());
    bases.of[static_cast<int>(Space::constants)] = const_cast<char*>(program.plan.constants);
    const bool in_place = program.plan.number == Number::float32 && given.in_place();
    if (!in_place && !allocate_copies(program)) return Error::MemoryAllocationFailed;
    void* values = in_place ? given.inputs[0].data : program.input.get();
    void* results = in_place ? given.outputs[0].data : program.output.get();
    bases.of[static_cast<int>(Space::input)] = static_cast<char*>(values);
    bases.of[static_cast<int>(Space::output)] = static_cast<char*>(results);
    if (!in_place) gather_inputs(given, program.plan.number, values);
    run_all(program, bases, context.event_tracer());
    if (!in_place) scatter_outputs(given, program.plan.number, results);
    return Error::Ok;
  }

  void destroy(DelegateHandle* handle) const override { delete static_cast<Program*>(handle); }
};

}  // namespace

void register_backend() {
  static Backend backend;
  static const Error registered =
      executorch::runtime::register_backend({"HvitEdgeBackend", &backend});
  static_cast<void>(registered);
}

}  // namespace hvit_edge::native
