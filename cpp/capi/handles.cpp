#include "handles.h"

#include <cstring>
#include <utility>

#include "text.h"
#include "utf8.h"

namespace hvit_edge::capi {
namespace {

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::session:
      return "a session";
    case Kind::classifier:
      return "a classifier";
    case Kind::none:
      break;
  }
  return "something that is not a handle or was closed";
}

Outcome check_kind(const char* where, const void* handle, Kind wanted) {
  if (handle == nullptr) {
    return refuse(where, concat("expected ", name_of(wanted),
                                ", got NULL; open it first, and do not use it once closed"));
  }
  Kind kind = Kind::none;
  const bool aligned = reinterpret_cast<std::uintptr_t>(handle) % alignof(hve_session) == 0;
  if (aligned) std::memcpy(&kind, handle, sizeof(kind));
  if (kind == wanted) return {};
  if (kind != Kind::session && kind != Kind::classifier) kind = Kind::none;
  return refuse(where, concat("expected ", name_of(wanted), ", got ", name_of(kind),
                              "; pass the handle that was opened"));
}

// Returns the labels as callers may read them: UTF-8 without a NUL inside.
std::vector<std::string> labels_of(const Metadata& metadata, int classes) {
  std::vector<std::string> labels;
  for (int i = 0; i < classes; ++i) {
    std::string label = metadata.labels.empty() ? concat("class ", i)
                                                : metadata.labels[static_cast<std::size_t>(i)];
    const std::string original = label;
    write_utf8(original, label.data(), label.size() + 1);
    labels.push_back(std::move(label));
  }
  return labels;
}

}  // namespace

Outcome check_handle(const char* where, const hve_session* handle) {
  return check_kind(where, handle, Kind::session);
}

Outcome check_handle(const char* where, const hve_classifier* handle) {
  return check_kind(where, handle, Kind::classifier);
}

}  // namespace hvit_edge::capi

hve_classifier::hve_classifier(hvit_edge::Classifier loaded, hvit_edge::capi::ArtifactMemory copy)
    : Handle(hvit_edge::capi::Kind::classifier),
      memory(std::move(copy)),
      classifier(std::move(loaded)),
      session(classifier.session()),
      labels(
          hvit_edge::capi::labels_of(classifier.session().metadata(), classifier.num_classes())) {}
