#include "executorch/kernels.h"

#include <dlfcn.h>
#include <executorch/runtime/kernel/operator_registry.h>

#include <mutex>

#include "executorch/runtime_log.h"
#include "text.h"

namespace hvit_edge {
namespace {

constexpr char kNone[] = "none";
constexpr char kOnDemand[] = "on_demand";
#if defined(__APPLE__)
constexpr char kLibrary[] = "libexecutorch_kernels_optimized.dylib";
#else
constexpr char kLibrary[] = "libexecutorch_kernels_optimized.so";
#endif

// The folder of the library that has the registry of kernels. Its kernels are next to it, which
// need not be in the search path of the library that this code is linked into.
std::string folder_of_executorch() {
  Dl_info found = {};
  const auto* code = reinterpret_cast<const void*>(&executorch::runtime::get_registered_kernels);
  if (dladdr(code, &found) == 0 || found.dli_fname == nullptr) return ".";
  const std::string path = found.dli_fname;
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

// The library stays loaded until the process ends, since the registry has no way to remove kernels.
Status open_library() {
  const std::string path = folder_of_executorch() + "/" + kLibrary;
  const RuntimeLog quiet;
  if (dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) != nullptr) return Status();
  const char* reason = dlerror();
  return Status(StatusCode::missing_backend, reason != nullptr ? reason : path);
}

}  // namespace

// Each backend has at least one delegate, and each delegate takes an instruction.
bool calls_kernels(const MethodFacts& method) {
  return method.instructions > method.backends.size();
}

std::shared_mutex& kernels_lock() {
  static std::shared_mutex lock;
  return lock;
}

Status load_kernels() {
  if (kernels_choice() != std::string(kOnDemand)) return Status();
  static bool loaded = false;
  const std::unique_lock<std::shared_mutex> nobody_searches(kernels_lock());
  if (loaded) return Status();
  Status status = open_library();
  loaded = status.ok();
  return status;
}

const char* kernels_choice() { return HVIT_EDGE_KERNELS; }

Status explain_kernels(const std::vector<std::string>& operators, const std::string& choice,
                       const Status& loaded) {
  std::string got = "none in this version of ExecuTorch";
  std::string advice = "compile the model again with this version of hvit-edge";
  if (choice == kNone) {
    got = "a runtime that was built with HVIT_EDGE_KERNELS=none";
    advice =
        "build it with HVIT_EDGE_KERNELS=all, or compile a model without operators outside the "
        "delegates, which hvit-edge inspect lists";
  } else if (!loaded.ok()) {
    got = "no library of kernels (" + loaded.message() + ")";
    advice = concat("install ExecuTorch's ", kLibrary, " next to its other libraries");
  }
  return Status(StatusCode::missing_backend,
                concat("[Session.load] expected kernels of operators outside the delegates, ",
                       join(operators, ", "), ", got ", got, "; ", advice));
}

}  // namespace hvit_edge
