// The engine of the full runtime: ExecuTorch's, with the backends that are linked in.
#include "engine/engine.h"

#include <executorch/extension/data_loader/buffer_data_loader.h>
#include <executorch/extension/module/module.h>

#include <shared_mutex>
#include <utility>

#include "executorch/dtypes.h"
#include "executorch/explain.h"
#include "executorch/kernels.h"
#include "executorch/method_facts.h"
#include "executorch/operator_events.h"
#include "executorch/runtime_log.h"

namespace hvit_edge {

const char* const kBackendRemedy =
    "link that backend or compile for a target that this runtime has (hvit-edge doctor lists them)";

namespace {

using executorch::runtime::Error;
using executorch::runtime::EValue;

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

TensorView view_of_tensor(const EValue& value) {
  const executorch::aten::Tensor& tensor = value.toTensor();
  TensorView view;
  view.data = tensor.const_data_ptr();
  view.shape.assign(tensor.sizes().begin(), tensor.sizes().end());
  view.dtype = from_executorch(tensor.scalar_type());
  return view;
}

Constant constant_of(const EValue& value) {
  if (value.isInt()) return value.toInt();
  if (value.isDouble()) return value.toDouble();
  if (value.isString()) return std::string_view(value.toString().data(), value.toString().size());
  if (value.isTensor()) return view_of_tensor(value);
  return {};
}

class ExecuTorchEngine final : public Engine {
 public:
  Status open(const void* data, std::size_t size) {
    const RuntimeLog log;
    module_ = std::make_unique<executorch::extension::Module>(
        std::make_unique<executorch::extension::BufferDataLoader>(data, size));
    const Error error =
        module_->load(executorch::runtime::Program::Verification::InternalConsistency);
    if (error != Error::Ok) {
      return explain(error, "Session.load", "read the program", log.first_error());
    }
    // Module::method_names() ends the process if a method has no name.
    const auto& loaded = module_->program();
    for (std::size_t i = 0; i < loaded->num_methods(); ++i) {
      const auto name = loaded->get_method_name(i);
      if (!name.ok()) {
        return explain(name.error(), "Session.load", "list the methods", log.first_error());
      }
      methods_.emplace_back(*name);
    }
    return Status();
  }

  const std::vector<std::string>& methods() const override { return methods_; }

  Result<MethodFacts> describe(const std::string& method) override {
    const RuntimeLog quiet;  // what cannot be described is refused with a sentence of ours
    const auto meta = module_->method_meta(method);
    if (!meta.ok()) return explain(meta.error(), "Session.load", "describe " + method, "");
    return facts_of(*meta);
  }

  Result<std::vector<Constant>> constants(const std::string& method) override {
    const RuntimeLog log;
    const auto values = module_->execute(method);
    if (!values.ok()) {
      return explain(values.error(), "Session.load", "read " + method, log.first_error());
    }
    std::vector<Constant> constants;
    for (const EValue& value : *values) constants.push_back(constant_of(value));
    return constants;
  }

  void release(const std::string& method) override { module_->unload_method(method); }

  Status load(const std::string& method) override {
    const auto meta = module_->method_meta(method);
    if (!meta.ok()) return explain(meta.error(), "Session.load", "describe " + method, "");
    const Status kernels = calls_kernels(facts_of(*meta)) ? load_kernels() : Status();
    const RuntimeLog log;
    const std::shared_lock<std::shared_mutex> no_kernel_is_added(kernels_lock());
    const Error error = module_->load_method(method, nullptr, events_.get());
    if (error == Error::Ok) return Status();
    if (error == Error::OperatorMissing) {
      return explain_kernels(log.missing_operators(), kernels_choice(), kernels);
    }
    return explain(error, "Session.load", "load the method " + method, log.first_error());
  }

  void unload(const std::string& method) override { module_->unload_method(method); }

  Result<std::vector<TensorView>> run(const std::string& method,
                                      const std::vector<TensorView>& inputs) override {
    const RuntimeLog log;
    std::vector<std::unique_ptr<BorrowedTensor>> tensors;
    std::vector<EValue> values;
    for (const TensorView& view : inputs) {
      tensors.push_back(std::make_unique<BorrowedTensor>(view));
      values.emplace_back(executorch::aten::Tensor(&tensors.back()->impl));
    }
    if (events_ != nullptr) events_->clear();
    auto results = module_->execute(method, values);
    if (!results.ok()) {
      return explain(results.error(), "Session.run", "run the model", log.first_error());
    }
    std::vector<TensorView> outputs;
    for (const EValue& value : *results) {
      if (value.isTensor()) outputs.push_back(view_of_tensor(value));
    }
    return outputs;
  }

  void time_operators() override { events_ = std::make_unique<OperatorEvents>(); }

  const std::vector<OperatorTime>& operators() const override {
    static const std::vector<OperatorTime> none;
    return events_ != nullptr ? events_->operators() : none;
  }

 private:
  std::unique_ptr<OperatorEvents> events_;  // outlives the method that reports to it
  std::unique_ptr<executorch::extension::Module> module_;
  std::vector<std::string> methods_;
};

}  // namespace

Result<std::unique_ptr<Engine>> open_engine(const void* data, std::size_t size) {
  auto engine = std::make_unique<ExecuTorchEngine>();
  if (Status status = engine->open(data, size); !status.ok()) return status;
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace hvit_edge
