// hve_session: reads the metadata of an artifact.
#include "hvit_edge/metadata.h"

#include "boundary.h"
#include "handles.h"
#include "output.h"
#include "text.h"

namespace hvit_edge::capi {
namespace {

Outcome refuse_field(const char* where, int field) {
  return refuse(where, concat("expected a known field, got ", field,
                              "; use the constants of hvit_edge/c_api.h, or update hvit-edge"));
}

const char* resize_name(Resize resize) {
  if (resize == Resize::stretch) return "stretch";
  return resize == Resize::shortest ? "shortest" : "shortest-floor";
}

const char* interpolation_name(Interpolation interpolation) {
  if (interpolation == Interpolation::lanczos) return "lanczos";
  return interpolation == Interpolation::bilinear ? "bilinear" : "bicubic";
}

// Returns null for unknown fields.
const char* preprocess_text(const PreprocessSpec& spec, int field) {
  switch (field) {
    case HVE_TEXT_RESIZE:
      return resize_name(spec.resize);
    case HVE_TEXT_INTERPOLATION:
      return interpolation_name(spec.interpolation);
    case HVE_TEXT_CHANNEL_ORDER:
      return spec.channel_order == ChannelOrder::rgb ? "RGB" : "BGR";
    default:
      return nullptr;
  }
}

const std::string* text_of(const Metadata& metadata, int field) {
  switch (field) {
    case HVE_TEXT_MODEL_NAME:
      return &metadata.model_name;
    case HVE_TEXT_TARGET:
      return &metadata.target;
    case HVE_TEXT_PRECISION:
      return &metadata.precision;
    case HVE_TEXT_CREATED:
      return &metadata.created;
    case HVE_TEXT_WEIGHTS_SOURCE:
      return &metadata.weights_source;
    case HVE_TEXT_WEIGHTS_SHA256:
      return &metadata.weights_sha256;
    case HVE_TEXT_METHOD:
      return &metadata.method;
    case HVE_TEXT_TASK:
      return &metadata.task;
    case HVE_TEXT_NORMALIZE:
      return &metadata.normalize;
    default:
      return nullptr;
  }
}

std::int64_t batch_of(const Metadata& metadata) {
  for (const MethodInfo& method : metadata.methods) {
    if (method.name == metadata.method) return method.batch;
  }
  return 1;
}

std::optional<std::int64_t> integer_of(const Session& session, int field) {
  const Metadata& metadata = session.metadata();
  switch (field) {
    case HVE_INTEGER_SCHEMA_VERSION:
      return metadata.schema_version;
    case HVE_INTEGER_INPUT_HEIGHT:
      return metadata.preprocess.input_height;
    case HVE_INTEGER_INPUT_WIDTH:
      return metadata.preprocess.input_width;
    case HVE_INTEGER_RESIZE_SIZE:
      return metadata.preprocess.resize_size;
    case HVE_INTEGER_PARITY_TOP1_AGREE:
      return metadata.parity.top1_agree ? 1 : 0;
    case HVE_INTEGER_PLANNED_MEMORY:
      return static_cast<std::int64_t>(session.planned_memory_bytes());
    case HVE_INTEGER_BATCH:
      return batch_of(metadata);
    default:
      return std::nullopt;
  }
}

std::optional<std::vector<double>> numbers_of(const Metadata& metadata, int field) {
  const PreprocessSpec& spec = metadata.preprocess;
  switch (field) {
    case HVE_NUMBERS_MEAN:
      return std::vector<double>(spec.mean.begin(), spec.mean.end());
    case HVE_NUMBERS_STD:
      return std::vector<double>(spec.std.begin(), spec.std.end());
    case HVE_NUMBERS_PARITY:
      return std::vector<double>{metadata.parity.max_abs, metadata.parity.max_rel,
                                 metadata.parity.cosine};
    case HVE_NUMBERS_GOLDEN_TOLERANCE:
      return std::vector<double>{metadata.golden_tolerance};
    case HVE_NUMBERS_LAYER_SQNR: {
      std::vector<double> numbers;
      for (const LayerRecord& layer : metadata.layers) numbers.push_back(layer.sqnr_db);
      return numbers;
    }
    default:
      return std::nullopt;
  }
}

std::optional<std::size_t> list_size(const Metadata& metadata, int list) {
  switch (list) {
    case HVE_LIST_LABELS:
      return metadata.labels.size();
    case HVE_LIST_VERSIONS:
      return metadata.versions.size();
    case HVE_LIST_LAYERS:
      return metadata.layers.size();
    case HVE_LIST_METHODS:
      return metadata.methods.size();
    default:
      return std::nullopt;
  }
}

// Returns an entry of a list; `index` must be valid.
std::string list_text(const Metadata& metadata, int list, std::size_t index) {
  if (list == HVE_LIST_LABELS) return metadata.labels[index];
  if (list == HVE_LIST_VERSIONS) {
    return metadata.versions[index].first + "=" + metadata.versions[index].second;
  }
  if (list == HVE_LIST_METHODS) return metadata.methods[index].name;
  return metadata.layers[index].name + "=" + metadata.layers[index].precision;
}

}  // namespace
}  // namespace hvit_edge::capi

using namespace hvit_edge::capi;

hve_status hve_session_text(hve_session* session, int32_t field, hve_text* text, hve_text* error) {
  constexpr char where[] = "hve_session_text";
  if (text != nullptr) text->size = 0;
  return bounded(where, error, [&]() -> Outcome {
    if (Outcome outcome = check_handle(where, session); !outcome.ok()) return outcome;
    const hvit_edge::Metadata& metadata = session->session->metadata();
    if (const std::string* found = text_of(metadata, field)) return give_text(where, *found, text);
    const char* choice = preprocess_text(metadata.preprocess, field);
    return choice == nullptr ? refuse_field(where, field) : give_text(where, choice, text);
  });
}

hve_status hve_session_integer(hve_session* session, int32_t field, int64_t* value,
                               hve_text* error) {
  constexpr char where[] = "hve_session_integer";
  return bounded(where, error, [&]() -> Outcome {
    if (Outcome outcome = check_handle(where, session); !outcome.ok()) return outcome;
    if (Outcome outcome = check_place(where, value, "value"); !outcome.ok()) return outcome;
    const std::optional<std::int64_t> found = integer_of(*session->session, field);
    if (!found) return refuse_field(where, field);
    *value = *found;
    return {};
  });
}

hve_status hve_session_numbers(hve_session* session, int32_t field, double* values, size_t capacity,
                               size_t* count, hve_text* error) {
  constexpr char where[] = "hve_session_numbers";
  if (count != nullptr) *count = 0;
  return bounded(where, error, [&]() -> Outcome {
    if (Outcome outcome = check_handle(where, session); !outcome.ok()) return outcome;
    const std::optional<std::vector<double>> found =
        numbers_of(session->session->metadata(), field);
    if (!found) return refuse_field(where, field);
    return give_values(where, found->data(), found->size(), values, capacity, count);
  });
}

hve_status hve_session_list_count(hve_session* session, int32_t list, size_t* count,
                                  hve_text* error) {
  constexpr char where[] = "hve_session_list_count";
  if (count != nullptr) *count = 0;
  return bounded(where, error, [&]() -> Outcome {
    if (Outcome outcome = check_handle(where, session); !outcome.ok()) return outcome;
    if (Outcome outcome = check_place(where, count, "count"); !outcome.ok()) return outcome;
    const std::optional<std::size_t> found = list_size(session->session->metadata(), list);
    if (!found) return refuse_field(where, list);
    *count = *found;
    return {};
  });
}

hve_status hve_session_list_text(hve_session* session, int32_t list, size_t index, hve_text* text,
                                 hve_text* error) {
  constexpr char where[] = "hve_session_list_text";
  if (text != nullptr) text->size = 0;
  return bounded(where, error, [&]() -> Outcome {
    if (Outcome outcome = check_handle(where, session); !outcome.ok()) return outcome;
    const hvit_edge::Metadata& metadata = session->session->metadata();
    const std::optional<std::size_t> size = list_size(metadata, list);
    if (!size) return refuse_field(where, list);
    if (index >= *size) return refuse_index(where, index, *size);
    return give_text(where, list_text(metadata, list, index), text);
  });
}
