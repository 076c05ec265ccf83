// The engine of the small runtime: the native backend alone.
#include "engine/engine.h"

#include <utility>

#include "hvit_edge/backends.h"
#include "native/backend_name.h"
#include "small/container.h"
#include "small/loaded_method.h"
#include "small/method_facts.h"
#include "small/stored_tensor.h"
#include "text.h"

namespace hvit_edge {

const char* const kBackendRemedy =
    "compile the model for the target native, or link the full runtime";

namespace small {
namespace {

class SmallEngine final : public Engine {
 public:
  explicit SmallEngine(Container container) : container_(std::move(container)) {
    for (const Method& method : container_.methods) names_.push_back(method.name);
  }

  const std::vector<std::string>& methods() const override { return names_; }

  Result<MethodFacts> describe(const std::string& name) override {
    const Method* method = find(name);
    if (method == nullptr) return no_such(name);
    return facts_of(*method);
  }

  Result<std::vector<Constant>> constants(const std::string& name) override {
    const Method* method = find(name);
    if (method == nullptr) return no_such(name);
    std::vector<Constant> constants;
    for (const std::int32_t index : method->outputs) {
      Result<Constant> constant = constant_at(*method, index);
      if (!constant.ok()) return constant.status();
      constants.push_back(std::move(constant).value());
    }
    return constants;
  }

  void release(const std::string&) override {}  // constants are in the file

  Status load(const std::string& name) override {
    const Method* method = find(name);
    if (method == nullptr) return no_such(name);
    auto loaded = LoadedMethod::load(container_, *method);
    if (!loaded.ok()) return loaded.status();
    loaded_ = std::move(loaded).value();
    return Status();
  }

  void unload(const std::string&) override { loaded_.reset(); }

  Result<std::vector<TensorView>> run(const std::string&,
                                      const std::vector<TensorView>& inputs) override {
    return loaded_->run(inputs, timed_ ? &times_ : nullptr);
  }

  void time_operators() override { timed_ = true; }
  const std::vector<OperatorTime>& operators() const override { return times_; }

 private:
  const Method* find(const std::string& name) const {
    for (const Method& method : container_.methods) {
      if (method.name == name) return &method;
    }
    return nullptr;
  }

  static Status no_such(const std::string& name) {
    return Status(StatusCode::invalid_artifact,
                  concat("[Session.load] expected the method ", name,
                         ", got a program without it; compile the model again with hvit-edge"));
  }

  Result<Constant> constant_at(const Method& method, std::int32_t index) const {
    const StoredValue* value = method.value(index);
    if (value == nullptr) return Constant();
    if (const auto* integer = std::get_if<std::int64_t>(value)) return Constant(*integer);
    if (const auto* real = std::get_if<double>(value)) return Constant(*real);
    if (const auto* text = std::get_if<std::string_view>(value)) return Constant(*text);
    const auto* tensor = std::get_if<StoredTensor>(value);
    if (tensor == nullptr) return Constant();
    const Result<Bytes> data = constant_of(container_, *tensor);
    if (!data.ok()) return data.status();
    return Constant(TensorView{data->data, tensor->spec.shape, tensor->spec.dtype});
  }

  Container container_;
  std::vector<std::string> names_;
  std::unique_ptr<LoadedMethod> loaded_;
  bool timed_ = false;
  std::vector<OperatorTime> times_;
};

}  // namespace
}  // namespace small

Result<std::unique_ptr<Engine>> open_engine(const void* data, std::size_t size) {
  Result<small::Container> container = small::read_container(data, size);
  if (!container.ok()) return container.status();
  return std::unique_ptr<Engine>(
      std::make_unique<small::SmallEngine>(std::move(container).value()));
}

bool backend_available(const std::string& name) { return name == native::kBackendName; }

std::vector<std::string> registered_backends() { return {native::kBackendName}; }

}  // namespace hvit_edge
