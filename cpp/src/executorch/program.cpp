#include "executorch/program.h"

#include <executorch/extension/data_loader/buffer_data_loader.h>

#include <algorithm>
#include <shared_mutex>
#include <utility>

#include "executorch/check_methods.h"
#include "executorch/explain.h"
#include "executorch/kernels.h"
#include "executorch/runtime_log.h"
#include "executorch/thread_pool.h"
#include "hvit_edge/backends.h"
#include "text.h"

namespace hvit_edge {
namespace {

using executorch::aten::ScalarType;
using executorch::runtime::Error;
using executorch::runtime::EValue;

constexpr char kForward[] = "forward";

struct DTypePair {
  ScalarType executorch;
  DType ours;
};

constexpr DTypePair kDTypes[] = {
    {ScalarType::Byte, DType::uint8},    {ScalarType::Char, DType::int8},
    {ScalarType::Short, DType::int16},   {ScalarType::Int, DType::int32},
    {ScalarType::Long, DType::int64},    {ScalarType::Half, DType::float16},
    {ScalarType::Float, DType::float32}, {ScalarType::Double, DType::float64},
    {ScalarType::Bool, DType::boolean},
};

DType from_executorch(ScalarType type) {
  for (const DTypePair& pair : kDTypes) {
    if (pair.executorch == type) return pair.ours;
  }
  return DType::other;
}

ScalarType to_executorch(DType dtype) {
  for (const DTypePair& pair : kDTypes) {
    if (pair.ours == dtype) return pair.executorch;
  }
  return ScalarType::Float;
}

TensorSpec spec_of(const executorch::runtime::TensorInfo& info) {
  TensorSpec spec;
  spec.shape.assign(info.sizes().begin(), info.sizes().end());
  spec.dtype = from_executorch(info.scalar_type());
  return spec;
}

// An ExecuTorch tensor over a view's memory; all parts must stay in place while it is used.
struct BorrowedTensor {
  explicit BorrowedTensor(const TensorView& view)
      : sizes(view.shape.begin(), view.shape.end()),
        order(sizes.size()),
        strides(sizes.size()),
        impl(to_executorch(view.dtype), static_cast<ssize_t>(sizes.size()), sizes.data(),
             const_cast<void*>(view.data), order.data(), strides.data()) {
    executorch::aten::StridesType stride = 1;
    for (std::size_t i = sizes.size(); i-- > 0;) {
      order[i] = static_cast<executorch::aten::DimOrderType>(i);
      strides[i] = stride;
      stride *= sizes[i];
    }
  }
  BorrowedTensor(const BorrowedTensor&) = delete;
  BorrowedTensor& operator=(const BorrowedTensor&) = delete;

  std::vector<executorch::aten::SizesType> sizes;
  std::vector<executorch::aten::DimOrderType> order;
  std::vector<executorch::aten::StridesType> strides;
  executorch::aten::TensorImpl impl;
};

}  // namespace

TensorView view_of(const EValue& value) {
  const executorch::aten::Tensor& tensor = value.toTensor();
  TensorView view;
  view.data = tensor.const_data_ptr();
  view.shape.assign(tensor.sizes().begin(), tensor.sizes().end());
  view.dtype = from_executorch(tensor.scalar_type());
  return view;
}

Result<Program> Program::open(const void* data, std::size_t size) {
  const RuntimeLog log;
  Program program;
  program.module_ = std::make_unique<executorch::extension::Module>(
      std::make_unique<executorch::extension::BufferDataLoader>(data, size));
  const Error error =
      program.module_->load(executorch::runtime::Program::Verification::InternalConsistency);
  if (error != Error::Ok) {
    return explain(error, "Session.load", "read the program", log.first_error());
  }
  // Module::method_names() ends the process if a method has no name.
  const auto& loaded = program.module_->program();
  for (std::size_t i = 0; i < loaded->num_methods(); ++i) {
    const auto name = loaded->get_method_name(i);
    if (!name.ok()) {
      return explain(name.error(), "Session.load", "list the methods", log.first_error());
    }
    program.methods_.emplace_back(*name);
  }
  if (!program.has_method(kForward)) {
    return Status(StatusCode::invalid_artifact,
                  "[Session.load] expected a program with the method forward, got one without; "
                  "compile the model with hvit-edge");
  }
  if (Status status = program.add_entry(kForward); !status.ok()) return status;
  return program;
}

bool Program::has_method(const std::string& name) const {
  return std::find(methods_.begin(), methods_.end(), name) != methods_.end();
}

Result<std::vector<EValue>> Program::constant(const std::string& name) {
  const RuntimeLog log;
  const auto meta = module_->method_meta(name);
  if (!meta.ok()) return explain(meta.error(), "Session.load", "describe " + name, "");
  if (Status status = check_constant(name, *meta); !status.ok()) return status;
  auto values = module_->execute(name);
  if (!values.ok()) {
    return explain(values.error(), "Session.load", "read " + name, log.first_error());
  }
  return std::move(*values);
}

void Program::release(const std::string& name) { module_->unload_method(name); }

Status Program::check_backends(const std::string& entry) {
  const auto meta = module_->method_meta(entry);
  if (!meta.ok()) return explain(meta.error(), "Session.load", "describe " + entry, "");
  for (std::size_t i = 0; i < meta->num_backends(); ++i) {
    const auto name = meta->get_backend_name(i);
    if (!name.ok()) return explain(name.error(), "Session.load", "name the backends", "");
    if (backend_available(*name)) continue;
    return Status(StatusCode::missing_backend,
                  concat("[Session.load] expected the backend ", *name,
                         ", got a runtime without it; link that backend or compile for a target "
                         "that this runtime has (hvit-edge doctor lists them)"));
  }
  return Status();
}

Status Program::add_entry(const std::string& name) {
  const auto meta = module_->method_meta(name);
  if (!meta.ok()) return explain(meta.error(), "Session.load", "describe " + name, "");
  if (Status status = check_model(*meta); !status.ok()) return status;
  Entry entry;
  entry.name = name;
  for (std::size_t i = 0; i < meta->num_inputs(); ++i) {
    const auto info = meta->input_tensor_meta(i);
    if (!info.ok()) return explain(info.error(), "Session.load", "describe an input", "");
    entry.inputs.push_back(spec_of(*info));
  }
  for (std::size_t i = 0; i < meta->num_outputs(); ++i) {
    const auto info = meta->output_tensor_meta(i);
    if (!info.ok()) return explain(info.error(), "Session.load", "describe an output", "");
    entry.outputs.push_back(spec_of(*info));
  }
  for (std::size_t i = 0; i < meta->num_memory_planned_buffers(); ++i) {
    const auto bytes = meta->memory_planned_buffer_size(i);
    if (bytes.ok()) entry.planned_memory_bytes += static_cast<std::size_t>(*bytes);
  }
  entries_.push_back(std::move(entry));
  return Status();
}

Status Program::prepare() {
  const std::string& entry = entries_[selected_].name;
  const void* pool = current_thread_pool();
  if (!loaded_.empty()) {
    if (loaded_ == entry && pool == loaded_for_pool_) return Status();
    module_->unload_method(loaded_);
    loaded_.clear();
  }
  if (Status status = check_backends(entry); !status.ok()) return status;
  if (Status status = load(entry); !status.ok()) return status;
  loaded_ = entry;
  loaded_for_pool_ = pool;
  return Status();
}

Status Program::load(const std::string& entry) {
  const auto meta = module_->method_meta(entry);
  if (!meta.ok()) return explain(meta.error(), "Session.load", "describe " + entry, "");
  const Status kernels = calls_kernels(*meta) ? load_kernels() : Status();
  const RuntimeLog log;
  const std::shared_lock<std::shared_mutex> no_kernel_is_added(kernels_lock());
  const Error error = module_->load_method(entry, nullptr, events_.get());
  if (error == Error::Ok) return Status();
  if (error == Error::OperatorMissing) {
    return explain_kernels(log.missing_operators(), kernels_choice(), kernels);
  }
  return explain(error, "Session.load", "load the method " + entry, log.first_error());
}

const std::vector<OperatorTime>& Program::operators() const {
  static const std::vector<OperatorTime> none;
  return events_ != nullptr ? events_->operators() : none;
}

Result<std::vector<TensorView>> Program::run(const std::vector<TensorView>& inputs) {
  const RuntimeLog log;
  std::vector<std::unique_ptr<BorrowedTensor>> tensors;
  std::vector<EValue> values;
  for (const TensorView& view : inputs) {
    tensors.push_back(std::make_unique<BorrowedTensor>(view));
    values.emplace_back(executorch::aten::Tensor(&tensors.back()->impl));
  }
  if (events_ != nullptr) events_->clear();
  auto results = module_->execute(entries_[selected_].name, values);
  if (!results.ok()) {
    return explain(results.error(), "Session.run", "run the model", log.first_error());
  }
  std::vector<TensorView> outputs;
  for (const EValue& value : *results) {
    if (value.isTensor()) outputs.push_back(view_of(value));
  }
  return outputs;
}

}  // namespace hvit_edge
