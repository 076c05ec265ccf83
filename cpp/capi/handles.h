// The objects that hve_session and hve_classifier point to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "artifact_memory.h"
#include "hvit_edge/classifier.h"
#include "hvit_edge/session.h"
#include "outcome.h"

namespace hvit_edge::capi {

/// The first member of every handle; any other value is not a handle.
enum class Kind : std::uint32_t { none = 0, session = 0x53455648, classifier = 0x43455648 };

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
  hve_session(hvit_edge::Session loaded, hvit_edge::capi::ArtifactMemory copy)
      : Handle(hvit_edge::capi::Kind::session),
        memory(std::move(copy)),
        owned(std::move(loaded)),
        session(&*owned) {}
  /// A session in a classifier, which owns the model.
  explicit hve_session(hvit_edge::Session& borrowed)
      : Handle(hvit_edge::capi::Kind::session), session(&borrowed) {}

  hvit_edge::capi::ArtifactMemory memory;  // outlives the session that points into it
  std::optional<hvit_edge::Session> owned;
  hvit_edge::Session* session;
  std::mutex running;
};

struct hve_classifier : hvit_edge::capi::Handle {
  hve_classifier(hvit_edge::Classifier loaded, hvit_edge::capi::ArtifactMemory copy);

  hvit_edge::capi::ArtifactMemory memory;  // outlives the classifier that points into it
  hvit_edge::Classifier classifier;
  hve_session session;
  std::vector<std::string> labels;  // one for each class; predictions point to them
};

namespace hvit_edge::capi {

/// Return HVE_OK for open handles; otherwise an error that says what was passed instead.
Outcome check_handle(const char* where, const hve_session* handle);
Outcome check_handle(const char* where, const hve_classifier* handle);

}  // namespace hvit_edge::capi
