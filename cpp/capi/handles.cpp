#include "handles.h"

#include <cstring>

#include "text.h"
#include "utf8.h"

namespace hvit_edge::capi {
namespace {

std::vector<std::string> labels_of(const Metadata& metadata, int classes) {
  std::vector<std::string> labels;
  for (int i = 0; i < classes; ++i) {
    labels.push_back(readable(metadata.labels.empty()
                                  ? concat("class ", i)
                                  : metadata.labels[static_cast<std::size_t>(i)]));
  }
  return labels;
}

}  // namespace

const char* noun_of(Kind kind) {
  switch (kind) {
    case Kind::session:
      return "session";
    case Kind::classifier:
      return "classifier";
    case Kind::embedder:
      return "embedder";
    case Kind::segmenter:
      return "segmenter";
    case Kind::detector:
      return "detector";
    case Kind::none:
      break;
  }
  return "";
}

std::string name_of(Kind kind) {
  const std::string noun = noun_of(kind);
  if (noun.empty()) return "something that is not a handle or was closed";
  return (noun[0] == 'e' ? "an " : "a ") + noun;
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
  return refuse(where, concat("expected ", name_of(wanted), ", got ", name_of(kind),
                              "; pass the handle that was opened"));
}

std::string readable(std::string text) {
  const std::string original = text;
  write_utf8(original, text.data(), text.size() + 1);
  return text;
}

}  // namespace hvit_edge::capi

hve_classifier::hve_classifier(hvit_edge::Classifier loaded, hvit_edge::capi::ArtifactMemory copy)
    : ModelHandle(kKind, std::move(loaded), std::move(copy)),
      labels(hvit_edge::capi::labels_of(model.session().metadata(), model.num_classes())) {}

hve_detector::hve_detector(hvit_edge::Detector loaded, hvit_edge::capi::ArtifactMemory copy)
    : ModelHandle(kKind, std::move(loaded), std::move(copy)) {
  for (int i = 0; i <= model.num_classes(); ++i) {
    labels.push_back(hvit_edge::capi::readable(model.label(i)));
  }
}
