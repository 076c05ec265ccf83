#include "loaded_plan.h"

#include <utility>

#include "guard.h"
#include "instruction_sets.h"
#include "int8_pairs.h"

namespace hvit_edge::native {
bool LoadedPlan::allocate_copies() {
  if (input_ == nullptr) input_ = allocate_aligned(plan_.input_bytes);
  if (output_ == nullptr) output_ = allocate_aligned(plan_.output_bytes);
  return input_ != nullptr && output_ != nullptr;
}

Result<std::unique_ptr<LoadedPlan>> LoadedPlan::load(const void* data, std::size_t size,
                                                     SharedConstants shared) {
  if (shares_constants(data, size) && shared.data == nullptr) {
    return Status(StatusCode::invalid_artifact,
                  "[native.load] expected the constants that the plan shares with others, got a "
                  "program without them; compile the model again");
  }
  const Result<InstructionSet> set = chosen_instruction_set();
  if (!set.ok()) return set.status();
  Result<Plan> plan = read_plan(data, size, shared);
  if (!plan.ok()) return plan.status();
  auto loaded = std::make_unique<LoadedPlan>();
  loaded->plan_ = std::move(plan).value();
  loaded->run_ = set->of(loaded->plan_.number);
  loaded->arena_ = allocate_aligned(loaded->plan_.arena_bytes);
  if (set->packs_pairs) {
    loaded->int8_weights_ = pack_pairs(loaded->plan_.operations);
    if (loaded->int8_weights_ == nullptr) return no_memory("native.load");
  }
  const bool copies = loaded->plan_.number == Number::float16;
  if (loaded->arena_ == nullptr || (copies && !loaded->allocate_copies())) {
    return no_memory("native.load");
  }
  return loaded;
}

std::int64_t LoadedPlan::count_of(std::size_t bytes) const {
  return static_cast<std::int64_t>(bytes) / bytes_of(plan_.number);
}

// Counting instructions numbers the reads of the clock and knows those of XNNPACK: one for the run,
// one before the first operation, one after each.
void LoadedPlan::run_operations(const Bases& bases, Ticks* ticks) const {
  if (ticks == nullptr) {
    for (const Operation& operation : plan_.operations) run_(operation, bases);
    return;
  }
  ticks->reads.resize(plan_.operations.size() + 1);
  ticks->now();
  ticks->reads[0] = ticks->now();
  for (std::size_t i = 0; i < plan_.operations.size(); ++i) {
    run_(plan_.operations[i], bases);
    ticks->reads[i + 1] = ticks->now();
  }
}

RunOutcome LoadedPlan::run(const std::vector<Argument>& arguments, Ticks* ticks) {
  Arguments given;
  if (!split_arguments(arguments, count_of(plan_.input_bytes), count_of(plan_.output_bytes),
                       given)) {
    return RunOutcome::wrong_arguments;
  }
  Bases bases;
  bases.of[static_cast<int>(Space::arena)] = static_cast<char*>(arena_.get());
  bases.of[static_cast<int>(Space::constants)] = const_cast<char*>(plan_.constants);
  const bool in_place = plan_.number == Number::float32 && given.in_place();
  if (!in_place && !allocate_copies()) return RunOutcome::no_memory;
  void* values = in_place ? given.inputs[0].data : input_.get();
  void* results = in_place ? given.outputs[0].data : output_.get();
  bases.of[static_cast<int>(Space::input)] = static_cast<char*>(values);
  bases.of[static_cast<int>(Space::output)] = static_cast<char*>(results);
  if (!in_place) gather_inputs(given, plan_.number, values);
  run_operations(bases, ticks);
  if (!in_place) scatter_outputs(given, plan_.number, results);
  return RunOutcome::done;
}

}  // namespace hvit_edge::native
