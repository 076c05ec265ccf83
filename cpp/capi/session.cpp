// hve_session: opens, runs and tests.
#include "hvit_edge/session.h"

#include <algorithm>

#include "boundary.h"
#include "handles.h"
#include "open.h"
#include "output.h"
#include "struct_size.h"
#include "text.h"

namespace hvit_edge::capi {
namespace {

Outcome read_inputs(const char* where, const Session& session, const hve_input* inputs,
                    std::size_t count, std::vector<TensorView>& views) {
  const std::vector<TensorSpec>& specs = session.inputs();
  if (inputs == nullptr || count != specs.size()) {
    return refuse(where, concat("expected ", specs.size(), " inputs, got ",
                                inputs == nullptr ? "NULL" : std::to_string(count),
                                "; pass one for each input tensor"));
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto wanted = static_cast<std::size_t>(specs[i].numel());
    if (inputs[i].data == nullptr || inputs[i].count != wanted) {
      return refuse(where, concat("input ", i, ": expected ", wanted, " floats of shape ",
                                  to_string(specs[i].shape), ", got ",
                                  inputs[i].data == nullptr ? 0 : inputs[i].count,
                                  "; hve_session_tensor_shape() tells the shape"));
    }
    views.push_back({inputs[i].data, specs[i].shape, DType::float32});
  }
  return {};
}

Outcome check_outputs(const char* where, const Session& session, hve_output* outputs,
                      std::size_t count) {
  const std::vector<TensorSpec>& specs = session.outputs();
  if (outputs == nullptr || count != specs.size()) {
    return refuse(where, concat("expected ", specs.size(), " outputs, got ",
                                outputs == nullptr ? "NULL" : std::to_string(count),
                                "; pass one for each output tensor"));
  }
  Outcome first_fault;
  for (std::size_t i = 0; i < count; ++i) {
    outputs[i].count = 0;
    if (specs[i].dtype != DType::float32) {
      return refuse(where, concat("output ", i, ": expected a float32 tensor, got ",
                                  to_string(specs[i].dtype), "; use the C++ Session"));
    }
    if (outputs[i].data == nullptr) {
      return refuse(where, concat("output ", i,
                                  ": expected a buffer, got NULL; pass one with "
                                  "room for every float"));
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto needed = static_cast<std::size_t>(specs[i].numel());
    Outcome room = check_room(where, outputs[i].data, outputs[i].capacity, needed);
    if (room.ok()) continue;
    outputs[i].count = needed;
    if (first_fault.ok()) first_fault = room;
  }
  return first_fault;
}

Outcome run(const char* where, Session& session, const std::vector<TensorView>& inputs,
            hve_output* outputs, std::size_t count) {
  const Result<std::vector<TensorView>> views = session.run(inputs);
  if (!views.ok()) return views.status();
  if (views->size() != count) {
    return {HVE_EXECUTION_FAILED, concat("[", where, "] expected ", count, " output tensors, got ",
                                         views->size(), "; use the C++ Session")};
  }
  for (std::size_t i = 0; i < count; ++i) {
    const TensorView& view = (*views)[i];
    const auto size = static_cast<std::size_t>(view.numel());
    if (view.dtype != DType::float32 || size > outputs[i].capacity) {
      return {HVE_EXECUTION_FAILED,
              concat("[", where, "] output ", i, ": expected float32 of at most ",
                     outputs[i].capacity, " numbers, got ", to_string(view.dtype), " ",
                     to_string(view.shape), "; compile the model again")};
    }
    std::copy_n(static_cast<const float*>(view.data), size, outputs[i].data);
    outputs[i].count = size;
  }
  return {};
}

// Refuses the session of another handle; the remedy has the kind of that handle in its middle.
Outcome refuse_lent(const char* where, const hve_session& session, const char* before,
                    const char* after) {
  return refuse(where, concat("expected a session that was opened, got one of ",
                              name_of(session.owner), "; ", before, noun_of(session.owner), after));
}

constexpr std::size_t kFirstSelfTest = sizeof(hve_self_test_result);

}  // namespace
}  // namespace hvit_edge::capi

using namespace hvit_edge::capi;

hve_status hve_session_open(const char* path, const hve_options* options, hve_session** session,
                            hve_text* error) {
  constexpr char where[] = "hve_session_open";
  return bounded(where, error,
                 [&] { return open_path<hvit_edge::Session>(where, path, options, session); });
}

hve_status hve_session_open_memory(const void* data, size_t size, const hve_options* options,
                                   hve_session** session, hve_text* error) {
  constexpr char where[] = "hve_session_open_memory";
  return bounded(where, error, [&] {
    return open_memory<hvit_edge::Session>(where, data, size, options, session);
  });
}

hve_status hve_session_close(hve_session** session, hve_text* error) {
  constexpr char where[] = "hve_session_close";
  return bounded(where, error, [&]() -> Outcome {
    if (session == nullptr || *session == nullptr) return {};
    if (Outcome outcome = check_handle(where, *session); !outcome.ok()) return outcome;
    if (!(*session)->owned) {
      return refuse_lent(where, **session, "close the ", "");
    }
    close_after((*session)->running, session);
    return {};
  });
}

hve_status hve_session_select(hve_session* session, const char* method, hve_text* error) {
  constexpr char where[] = "hve_session_select";
  return bounded(where, error, [&]() -> Outcome {
    if (Outcome outcome = check_handle(where, session); !outcome.ok()) return outcome;
    if (!session->owned) {
      return refuse_lent(where, *session, "open the ", " with hve_options.method");
    }
    if (method == nullptr) {
      return refuse(where, "expected the name of a method, got NULL; pass one of HVE_LIST_METHODS");
    }
    const std::lock_guard<std::mutex> one_at_a_time(session->running);
    return session->session->select(method);
  });
}

hve_status hve_session_run(hve_session* session, const hve_input* inputs, size_t input_count,
                           hve_output* outputs, size_t output_count, hve_text* error) {
  constexpr char where[] = "hve_session_run";
  return bounded(where, error, [&]() -> Outcome {
    if (Outcome outcome = check_handle(where, session); !outcome.ok()) return outcome;
    std::vector<hvit_edge::TensorView> views;
    if (Outcome outcome = read_inputs(where, *session->session, inputs, input_count, views);
        !outcome.ok()) {
      return outcome;
    }
    if (Outcome outcome = check_outputs(where, *session->session, outputs, output_count);
        !outcome.ok()) {
      return outcome;
    }
    const std::lock_guard<std::mutex> one_at_a_time(session->running);
    return run(where, *session->session, views, outputs, output_count);
  });
}

hve_status hve_session_self_test(hve_session* session, hve_self_test_result* result,
                                 hve_text* error) {
  constexpr char where[] = "hve_session_self_test";
  return bounded(where, error, [&]() -> Outcome {
    if (Outcome outcome = check_handle(where, session); !outcome.ok()) return outcome;
    if (Outcome outcome = check_place(where, result, "result"); !outcome.ok()) return outcome;
    if (Outcome outcome =
            check_struct_size(where, result, result->struct_size, kFirstSelfTest, sizeof(*result));
        !outcome.ok()) {
      return outcome;
    }
    const std::lock_guard<std::mutex> one_at_a_time(session->running);
    const hvit_edge::Result<hvit_edge::SelfTest> found = session->session->self_test();
    if (!found.ok()) return found.status();
    result->max_abs = found->max_abs;
    result->max_rel = found->max_rel;
    result->passed = found->passed ? 1 : 0;
    result->top1_agree = found->top1_agree ? 1 : 0;
    return {};
  });
}
