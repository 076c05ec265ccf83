#include "engine/program.h"

#include <algorithm>
#include <utility>

#include "engine/check_methods.h"
#include "engine/thread_pool.h"
#include "hvit_edge/backends.h"
#include "text.h"

namespace hvit_edge {
namespace {

constexpr char kForward[] = "forward";

std::vector<TensorSpec> specs_of(const std::vector<SlotFacts>& slots) {
  std::vector<TensorSpec> specs;
  for (const SlotFacts& slot : slots) specs.push_back(slot.spec);
  return specs;
}

}  // namespace

TensorView view_of(const Constant& constant) {
  const auto* view = std::get_if<TensorView>(&constant);
  return view != nullptr ? *view : TensorView();
}

Result<Program> Program::open(const void* data, std::size_t size) {
  Result<std::unique_ptr<Engine>> engine = open_engine(data, size);
  if (!engine.ok()) return engine.status();
  Program program;
  program.engine_ = std::move(engine).value();
  if (!program.has_method(kForward)) {
    return Status(StatusCode::invalid_artifact,
                  "[Session.load] expected a program with the method forward, got one without; "
                  "compile the model with hvit-edge");
  }
  if (Status status = program.add_entry(kForward); !status.ok()) return status;
  return program;
}

bool Program::has_method(const std::string& name) const {
  const std::vector<std::string>& methods = engine_->methods();
  return std::find(methods.begin(), methods.end(), name) != methods.end();
}

Result<std::vector<Constant>> Program::constant(const std::string& name) {
  const Result<MethodFacts> facts = engine_->describe(name);
  if (!facts.ok()) return facts.status();
  if (Status status = check_constant(name, *facts); !status.ok()) return status;
  return engine_->constants(name);
}

Status Program::check_backends(const std::string& entry) {
  const Result<MethodFacts> facts = engine_->describe(entry);
  if (!facts.ok()) return facts.status();
  for (const std::string& name : facts->backends) {
    if (backend_available(name)) continue;
    return Status(StatusCode::missing_backend,
                  concat("[Session.load] expected the backend ", name,
                         ", got a runtime without it; ", kBackendRemedy));
  }
  return Status();
}

Status Program::add_entry(const std::string& name) {
  const Result<MethodFacts> facts = engine_->describe(name);
  if (!facts.ok()) return facts.status();
  if (Status status = check_model(*facts); !status.ok()) return status;
  Entry entry;
  entry.name = name;
  entry.inputs = specs_of(facts->inputs);
  entry.outputs = specs_of(facts->outputs);
  for (const auto& bytes : facts->planned) {
    entry.planned_memory_bytes += static_cast<std::size_t>(*bytes);
  }
  entries_.push_back(std::move(entry));
  return Status();
}

Status Program::prepare() {
  const std::string& entry = entries_[selected_].name;
  const void* pool = current_thread_pool();
  if (!loaded_.empty()) {
    if (loaded_ == entry && pool == loaded_for_pool_) return Status();
    engine_->unload(loaded_);
    loaded_.clear();
  }
  if (Status status = check_backends(entry); !status.ok()) return status;
  if (Status status = engine_->load(entry); !status.ok()) return status;
  loaded_ = entry;
  loaded_for_pool_ = pool;
  return Status();
}

}  // namespace hvit_edge
