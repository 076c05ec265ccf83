// hve_session: describes the inputs and outputs.
#include "boundary.h"
#include "handles.h"
#include "output.h"
#include "text.h"

namespace hvit_edge::capi {
namespace {

static_assert(static_cast<int>(DType::uint8) == HVE_DTYPE_UINT8);
static_assert(static_cast<int>(DType::int8) == HVE_DTYPE_INT8);
static_assert(static_cast<int>(DType::int16) == HVE_DTYPE_INT16);
static_assert(static_cast<int>(DType::int32) == HVE_DTYPE_INT32);
static_assert(static_cast<int>(DType::int64) == HVE_DTYPE_INT64);
static_assert(static_cast<int>(DType::float16) == HVE_DTYPE_FLOAT16);
static_assert(static_cast<int>(DType::float32) == HVE_DTYPE_FLOAT32);
static_assert(static_cast<int>(DType::float64) == HVE_DTYPE_FLOAT64);
static_assert(static_cast<int>(DType::boolean) == HVE_DTYPE_BOOL);
static_assert(static_cast<int>(DType::other) == HVE_DTYPE_OTHER);

Outcome find_side(const char* where, const hve_session* session, int side,
                  const std::vector<TensorSpec>*& specs) {
  if (Outcome outcome = check_handle(where, session); !outcome.ok()) return outcome;
  if (side != HVE_INPUT && side != HVE_OUTPUT) {
    return refuse(where, concat("expected HVE_INPUT or HVE_OUTPUT, got ", side,
                                "; choose a side of the model"));
  }
  specs = side == HVE_INPUT ? &session->session->inputs() : &session->session->outputs();
  return {};
}

Outcome find_tensor(const char* where, const hve_session* session, int side, std::size_t index,
                    const TensorSpec*& spec) {
  const std::vector<TensorSpec>* specs = nullptr;
  if (Outcome outcome = find_side(where, session, side, specs); !outcome.ok()) return outcome;
  if (index >= specs->size()) return refuse_index(where, index, specs->size());
  spec = &(*specs)[index];
  return {};
}

}  // namespace
}  // namespace hvit_edge::capi

using namespace hvit_edge::capi;

hve_status hve_session_tensor_count(hve_session* session, int32_t side, size_t* count,
                                    hve_text* error) {
  constexpr char where[] = "hve_session_tensor_count";
  if (count != nullptr) *count = 0;
  return bounded(where, error, [&]() -> Outcome {
    const std::vector<hvit_edge::TensorSpec>* specs = nullptr;
    if (Outcome outcome = find_side(where, session, side, specs); !outcome.ok()) return outcome;
    if (Outcome outcome = check_place(where, count, "count"); !outcome.ok()) return outcome;
    *count = specs->size();
    return {};
  });
}

hve_status hve_session_tensor_dtype(hve_session* session, int32_t side, size_t index,
                                    int32_t* dtype, hve_text* error) {
  constexpr char where[] = "hve_session_tensor_dtype";
  return bounded(where, error, [&]() -> Outcome {
    const hvit_edge::TensorSpec* spec = nullptr;
    if (Outcome outcome = find_tensor(where, session, side, index, spec); !outcome.ok()) {
      return outcome;
    }
    if (Outcome outcome = check_place(where, dtype, "dtype"); !outcome.ok()) return outcome;
    *dtype = static_cast<int32_t>(spec->dtype);
    return {};
  });
}

hve_status hve_session_tensor_shape(hve_session* session, int32_t side, size_t index,
                                    int64_t* shape, size_t capacity, size_t* rank,
                                    hve_text* error) {
  constexpr char where[] = "hve_session_tensor_shape";
  if (rank != nullptr) *rank = 0;
  return bounded(where, error, [&]() -> Outcome {
    const hvit_edge::TensorSpec* spec = nullptr;
    if (Outcome outcome = find_tensor(where, session, side, index, spec); !outcome.ok()) {
      return outcome;
    }
    return give_values(where, spec->shape.data(), spec->shape.size(), shape, capacity, rank);
  });
}
