#include "hvit_edge/session.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

#include "artifact/mapped_file.h"
#include "artifact/method_list.h"
#include "artifact/read_metadata.h"
#include "artifact/seal.h"
#include "artifact/self_test.h"
#include "engine/check_inputs.h"
#include "engine/program.h"
#include "engine/thread_pool.h"
#include "guard.h"
#include "hvit_edge/backends.h"
#include "hvit_edge/threads.h"
#include "text.h"

namespace hvit_edge {
namespace {

// The alignment that flatbuffers and XNNPACK's packed weights need.
constexpr std::uintptr_t kAlignment = 16;

constexpr char kOurName[] = "hvit-edge";  // in the versions of an artifact

}  // namespace

struct Session::State {
  Status open(const void* data, std::size_t size, const std::string& name,
              const SessionOptions& options);
  Result<std::vector<TensorView>> run(const std::vector<TensorView>& inputs);

  std::optional<MappedFile> file;  // outlives the program that points into it
  std::optional<Program> program;
  std::vector<Metadata> methods;  // that of each entry; unchanged after opening
  // The entry that runs. Other threads may read what describes it.
  std::atomic<std::size_t> selected{0};

  Status read_methods();
  Status prepare();
  Status select(const std::string& method, const char* where);
  const Metadata& metadata() const { return methods[selected]; }
  const Entry& entry() const { return program->entries()[selected]; }
};

// Reads the metadata of every method, so that selecting one only changes an index.
Status Session::State::read_methods() {
  Result<Metadata> first = read_metadata(*program);
  if (!first.ok()) return first.status();
  methods.push_back(std::move(first).value());
  for (std::size_t i = 1; i < methods[0].methods.size(); ++i) {
    const std::string name = methods[0].methods[i].name;
    if (Status status = program->add_entry(name); !status.ok()) return status;
    program->select(i);
    Result<Metadata> read = read_metadata(*program, name);
    if (!read.ok()) return read.status();
    methods.push_back(std::move(read).value());
  }
  program->select(0);
  return Status();
}

Status Session::State::select(const std::string& method, const char* where) {
  const Result<std::size_t> found = find_method(methods[0].methods, method, where);
  if (!found.ok()) return found.status();
  program->select(*found);
  selected = *found;
  return Status();
}

Status Session::State::open(const void* data, std::size_t size, const std::string& name,
                            const SessionOptions& options) {
  // The delegate of ExecuTorch could not say why it refuses a set.
  if (const auto set = instruction_set(); !set.ok()) return set.status();
  const Result<std::size_t> program_size = check_seal(data, size, name);
  if (!program_size.ok()) return program_size.status();
  Result<Program> opened = Program::open(data, *program_size);
  if (!opened.ok()) return opened.status();
  program.emplace(std::move(opened).value());
  if (options.time_operators) program->time_operators();
  if (Status status = read_methods(); !status.ok()) return status;
  if (!options.method.empty()) {
    if (Status status = select(options.method, "Session.load"); !status.ok()) return status;
  }
  if (!options.prepare) return Status();
  if (Status status = set_threads(options.threads); !status.ok()) return status;
  const SharedPool pool_stays(thread_pool_lock());
  return prepare();
}

// What another version wrote may need that version.
Status Session::State::prepare() {
  const Status status = program->prepare();
  if (status.ok()) return status;
  for (const auto& [name, written_by] : metadata().versions) {
    if (name != kOurName || written_by == version()) continue;
    return Status(status.code(), concat(status.message(), " (written by hvit-edge ", written_by,
                                        ", read by ", version(), ")"));
  }
  return status;
}

Result<std::vector<TensorView>> Session::State::run(const std::vector<TensorView>& inputs) {
  if (Status status = check_inputs(program->inputs(), inputs); !status.ok()) return status;
  const SharedPool pool_stays(thread_pool_lock());
  if (Status status = prepare(); !status.ok()) return status;
  return program->run(inputs);
}

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Session> Session::load(const std::string& path, const SessionOptions& options) {
  return guarded("Session.load", [&]() -> Result<Session> {
    Result<MappedFile> file = MappedFile::open(path);
    if (!file.ok()) return file.status();
    auto state = std::make_unique<State>();
    state->file.emplace(std::move(file).value());
    const MappedFile& mapped = *state->file;
    if (Status status = state->open(mapped.data(), mapped.size(), path, options); !status.ok()) {
      return status;
    }
    return Session(std::move(state));
  });
}

Result<Session> Session::load(const void* data, std::size_t size, const SessionOptions& options) {
  return guarded("Session.load", [&]() -> Result<Session> {
    if (data == nullptr || size == 0) {
      return Status(
          StatusCode::invalid_argument,
          "[Session.load] expected an artifact in memory, got nothing; pass data and size");
    }
    if (reinterpret_cast<std::uintptr_t>(data) % kAlignment != 0) {
      return Status(StatusCode::invalid_argument,
                    concat("[Session.load] expected memory aligned to ", kAlignment, " bytes, got ",
                           data, "; copy the artifact to aligned memory"));
    }
    auto state = std::make_unique<State>();
    if (Status status = state->open(data, size, "memory", options); !status.ok()) return status;
    return Session(std::move(state));
  });
}

const Metadata& Session::metadata() const { return state_->metadata(); }
const std::vector<TensorSpec>& Session::inputs() const { return state_->entry().inputs; }
const std::vector<TensorSpec>& Session::outputs() const { return state_->entry().outputs; }

Status Session::select(const std::string& method) {
  return guarded("Session.select", [&] { return state_->select(method, "Session.select"); });
}

const std::vector<OperatorTime>& Session::operators() const { return state_->program->operators(); }

std::size_t Session::planned_memory_bytes() const { return state_->entry().planned_memory_bytes; }

Result<std::vector<TensorView>> Session::run(const std::vector<TensorView>& inputs) {
  return guarded("Session.run", [&] { return state_->run(inputs); });
}

Result<std::vector<TensorView>> Session::run_named(const std::vector<NamedTensor>& inputs) {
  return guarded("Session.run", [&]() -> Result<std::vector<TensorView>> {
    const Result<std::vector<TensorView>> ordered = order_inputs(this->inputs(), inputs);
    if (!ordered.ok()) return ordered.status();
    return state_->run(*ordered);
  });
}

Status Session::run(const std::vector<TensorView>& inputs, const std::vector<float*>& outputs) {
  return guarded("Session.run", [&]() -> Status {
    const bool usable = outputs.size() == this->outputs().size() &&
                        std::find(outputs.begin(), outputs.end(), nullptr) == outputs.end();
    if (!usable) {
      return Status(
          StatusCode::invalid_argument,
          concat("[Session.run] expected ", this->outputs().size(), " output buffers, got ",
                 outputs.size(), " or a null pointer; pass one for each of Session.outputs"));
    }
    const Result<std::vector<TensorView>> views = state_->run(inputs);
    if (!views.ok()) return views.status();
    for (std::size_t i = 0; i < views->size(); ++i) {
      const TensorView& view = (*views)[i];
      if (view.dtype != DType::float32) {
        return Status(StatusCode::invalid_argument,
                      concat("[Session.run] output ", i, ": expected float32, got ",
                             to_string(view.dtype), "; use the run() that returns views"));
      }
      std::copy_n(static_cast<const float*>(view.data), view.numel(), outputs[i]);
    }
    return Status();
  });
}

Result<SelfTest> Session::self_test() {
  return guarded("Session.self_test", [&] {
    return run_self_test(
        *state_->program, state_->metadata(),
        [&](const std::vector<TensorView>& inputs) { return state_->run(inputs); });
  });
}

}  // namespace hvit_edge
