// Opens and closes handles.
#pragma once

#include <mutex>
#include <utility>

#include "handles.h"
#include "open_options.h"
#include "output.h"

namespace hvit_edge::capi {

/// Opens an artifact: loads a `Model` from `path` and makes a new Opened of it.
template <typename Model, typename Opened>
Outcome open_path(const char* where, const char* path, const hve_options* given, Opened** handle) {
  if (Outcome outcome = check_place(where, handle, "a handle's address"); !outcome.ok()) {
    return outcome;
  }
  *handle = nullptr;
  if (path == nullptr || *path == '\0') {
    return refuse(where,
                  "expected the path of an artifact, got none; pass the path of a .pte file");
  }
  OpenOptions options;
  if (Outcome outcome = read_options(where, given, options); !outcome.ok()) return outcome;
  Result<Model> loaded = Model::load(path, options.session);
  if (!loaded.ok()) return loaded.status();
  *handle = new Opened(std::move(loaded).value(), ArtifactMemory());
  return {};
}

/// Does the same from memory, which is copied unless the options say otherwise.
template <typename Model, typename Opened>
Outcome open_memory(const char* where, const void* data, std::size_t size, const hve_options* given,
                    Opened** handle) {
  if (Outcome outcome = check_place(where, handle, "a handle's address"); !outcome.ok()) {
    return outcome;
  }
  *handle = nullptr;
  if (data == nullptr || size == 0) {
    return refuse(where, "expected an artifact in memory, got nothing; pass data and size");
  }
  OpenOptions options;
  if (Outcome outcome = read_options(where, given, options); !outcome.ok()) return outcome;
  ArtifactMemory copy = options.borrow ? ArtifactMemory() : ArtifactMemory(data, size);
  const void* artifact = options.borrow ? data : copy.data();
  Result<Model> loaded = Model::load(artifact, size, options.session);
  if (!loaded.ok()) return loaded.status();
  *handle = new Opened(std::move(loaded).value(), std::move(copy));
  return {};
}

/// Closes a handle after the runs that have begun on `running`.
template <typename Opened>
void close_after(std::mutex& running, Opened** handle) {
  {
    const std::lock_guard<std::mutex> nobody_runs(running);
  }
  delete std::exchange(*handle, nullptr);
}

/// Closes a handle of a task. NULL and the address of NULL do nothing.
template <typename Opened>
Outcome close_model(const char* where, Opened** handle) {
  if (handle == nullptr || *handle == nullptr) return {};
  if (Outcome outcome = check_handle(where, *handle); !outcome.ok()) return outcome;
  close_after((*handle)->session.running, handle);
  return {};
}

/// Gives the session of a handle of a task.
template <typename Opened>
Outcome lend_session(const char* where, Opened* handle, hve_session** session) {
  if (Outcome outcome = check_place(where, session, "a handle's address"); !outcome.ok()) {
    return outcome;
  }
  *session = nullptr;
  if (Outcome outcome = check_handle(where, handle); !outcome.ok()) return outcome;
  *session = &handle->session;
  return {};
}

}  // namespace hvit_edge::capi
