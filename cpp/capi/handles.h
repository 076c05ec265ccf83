// The objects that hve_session, hve_classifier and the handles of the other tasks point to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "artifact_memory.h"
#include "hvit_edge/classifier.h"
#include "hvit_edge/detector.h"
#include "hvit_edge/embedder.h"
#include "hvit_edge/segmenter.h"
#include "hvit_edge/session.h"
#include "outcome.h"

namespace hvit_edge::capi {

/// The first member of every handle; any other value is not a handle.
enum class Kind : std::uint32_t {
  none = 0,
  session = 0x53455648,
  classifier = 0x43455648,
  embedder = 0x45455648,
  segmenter = 0x4D455648,
  detector = 0x44455648,
};

/// Returns "classifier"; an empty text for a number that is no kind of handle.
const char* noun_of(Kind kind);

/// Returns "a classifier", or what a number is that is no kind of handle.
std::string name_of(Kind kind);

struct Handle {
  explicit Handle(Kind its_kind) : kind(its_kind) {}
  /// Makes it unlikely that a stale copy of the handle passes for an open one.
  ~Handle() { *const_cast<volatile Kind*>(&kind) = Kind::none; }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  Kind kind;
};

}  // namespace hvit_edge::capi

struct hve_session : hvit_edge::capi::Handle {
  static constexpr hvit_edge::capi::Kind kKind = hvit_edge::capi::Kind::session;

  hve_session(hvit_edge::Session loaded, hvit_edge::capi::ArtifactMemory copy)
      : Handle(kKind), memory(std::move(copy)), owned(std::move(loaded)), session(&*owned) {}
  /// A session in a handle of the kind `its_owner`, which owns the model.
  hve_session(hvit_edge::Session& borrowed, hvit_edge::capi::Kind its_owner)
      : Handle(kKind), session(&borrowed), owner(its_owner) {}

  hvit_edge::capi::ArtifactMemory memory;  // outlives the session that points into it
  std::optional<hvit_edge::Session> owned;
  hvit_edge::Session* session;
  hvit_edge::capi::Kind owner = hvit_edge::capi::Kind::none;
  std::mutex running;
};

namespace hvit_edge::capi {

/// What the handles of all tasks have.
template <typename Model>
struct ModelHandle : Handle {
  ModelHandle(Kind its_kind, Model loaded, ArtifactMemory copy)
      : Handle(its_kind),
        memory(std::move(copy)),
        model(std::move(loaded)),
        session(model.session(), its_kind) {}

  ArtifactMemory memory;  // outlives the model that points into it
  Model model;
  hve_session session;
};

}  // namespace hvit_edge::capi

struct hve_classifier : hvit_edge::capi::ModelHandle<hvit_edge::Classifier> {
  static constexpr hvit_edge::capi::Kind kKind = hvit_edge::capi::Kind::classifier;

  hve_classifier(hvit_edge::Classifier loaded, hvit_edge::capi::ArtifactMemory copy);

  std::vector<std::string> labels;  // one for each class; predictions point to them
};

struct hve_embedder : hvit_edge::capi::ModelHandle<hvit_edge::Embedder> {
  static constexpr hvit_edge::capi::Kind kKind = hvit_edge::capi::Kind::embedder;

  hve_embedder(hvit_edge::Embedder loaded, hvit_edge::capi::ArtifactMemory copy)
      : ModelHandle(kKind, std::move(loaded), std::move(copy)) {}
};

struct hve_segmenter : hvit_edge::capi::ModelHandle<hvit_edge::Segmenter> {
  static constexpr hvit_edge::capi::Kind kKind = hvit_edge::capi::Kind::segmenter;

  hve_segmenter(hvit_edge::Segmenter loaded, hvit_edge::capi::ArtifactMemory copy)
      : ModelHandle(kKind, std::move(loaded), std::move(copy)) {}

  hvit_edge::Mask mask;  // of the last image; its memory is used again
};

struct hve_detector : hvit_edge::capi::ModelHandle<hvit_edge::Detector> {
  static constexpr hvit_edge::capi::Kind kKind = hvit_edge::capi::Kind::detector;

  hve_detector(hvit_edge::Detector loaded, hvit_edge::capi::ArtifactMemory copy);

  std::vector<std::string> labels;               // by class, from the background on
  std::vector<hvit_edge::Detection> detections;  // of the last image; its memory is used again
};

namespace hvit_edge::capi {

/// Returns HVE_OK for an open handle of the kind; otherwise an error that says what was passed
/// instead.
Outcome check_kind(const char* where, const void* handle, Kind wanted);

template <typename Opened>
Outcome check_handle(const char* where, const Opened* handle) {
  return check_kind(where, handle, Opened::kKind);
}

/// Returns a text as callers may read it: UTF-8 without a NUL inside.
std::string readable(std::string text);

}  // namespace hvit_edge::capi
