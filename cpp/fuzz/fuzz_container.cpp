// Programs of arbitrary bytes, as the runtime without ExecuTorch reads them: they are refused with
// a reason, or everything that they describe is in their bytes.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "engine/check_methods.h"
#include "native/backend_name.h"
#include "small/container.h"
#include "small/loaded_method.h"
#include "small/method_facts.h"
#include "small/stored_tensor.h"

namespace {

using namespace hvit_edge;

constexpr std::size_t kAlignment = 16;
constexpr std::int64_t kMostMemory = 1 << 20;  // planned for a method that is loaded

void require(bool holds) {
  if (!holds) std::abort();
}

// A refusal must have a reason other than "please report this".
bool accepted(const Status& status) {
  if (status.ok()) return true;
  require(status.code() != StatusCode::internal);
  require(!status.message().empty() && status.message()[0] == '[');
  return false;
}

// Memory of exactly the file's size, aligned, so that a sanitizer sees reads beyond it.
struct FreeMemory {
  void operator()(char* memory) const { std::free(memory); }
};
std::unique_ptr<char, FreeMemory> copy(const std::uint8_t* data, std::size_t size) {
  void* memory = nullptr;
  if (posix_memalign(&memory, kAlignment, size) != 0) throw std::bad_alloc();
  if (size > 0) std::memcpy(memory, data, size);
  return std::unique_ptr<char, FreeMemory>(static_cast<char*>(memory));
}

// Reads every byte that something of the container points to.
void touch(const char* data, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    const volatile char byte = data[i];
    static_cast<void>(byte);
  }
}

void touch_values(const small::Container& container, const small::Method& method) {
  for (const small::StoredValue& value : method.values) {
    if (const auto* text = std::get_if<std::string_view>(&value)) touch(text->data(), text->size());
    const auto* tensor = std::get_if<small::StoredTensor>(&value);
    if (tensor == nullptr) continue;
    const auto data = small::constant_of(container, *tensor);
    if (!accepted(data.status()) || data->data == nullptr) continue;
    touch(data->data, static_cast<std::size_t>(small::bytes_of(*tensor)));
  }
  for (const small::Delegate& delegate : method.delegates) {
    touch(delegate.data.data, delegate.data.size);
  }
}

// Loads a method as Program does, if it plans little memory.
void load(const small::Container& container, const small::Method& method) {
  const MethodFacts facts = small::facts_of(method);
  accepted(check_constant(method.name, facts));
  if (!accepted(check_model(facts))) return;
  std::int64_t planned = 0;
  for (const auto& bytes : facts.planned) planned += *bytes;
  for (const small::StoredValue& value : method.values) {
    const auto* tensor = std::get_if<small::StoredTensor>(&value);
    if (tensor != nullptr) planned += static_cast<std::int64_t>(small::bytes_of(*tensor));
  }
  for (const std::string& backend : facts.backends) {
    if (backend != native::kBackendName) return;
  }
  if (planned > kMostMemory) return;
  accepted(small::LoadedMethod::load(container, method).status());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = copy(data, size);
  const auto container = small::read_container(file.get(), size);
  if (!accepted(container.status())) return 0;
  for (const auto& named : container->named) touch(named.second.data, named.second.size);
  for (const small::Method& method : container->methods) {
    touch_values(*container, method);
    load(*container, method);
  }
  return 0;
}
