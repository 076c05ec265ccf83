// hve_embedder: maps an image to an embedding.
#include "hvit_edge/embedder.h"

#include "boundary.h"
#include "handles.h"
#include "image_view.h"
#include "open.h"
#include "output.h"

using namespace hvit_edge::capi;

hve_status hve_embedder_open(const char* path, const hve_options* options, hve_embedder** embedder,
                             hve_text* error) {
  constexpr char where[] = "hve_embedder_open";
  return bounded(where, error,
                 [&] { return open_path<hvit_edge::Embedder>(where, path, options, embedder); });
}

hve_status hve_embedder_open_memory(const void* data, size_t size, const hve_options* options,
                                    hve_embedder** embedder, hve_text* error) {
  constexpr char where[] = "hve_embedder_open_memory";
  return bounded(where, error, [&] {
    return open_memory<hvit_edge::Embedder>(where, data, size, options, embedder);
  });
}

hve_status hve_embedder_close(hve_embedder** embedder, hve_text* error) {
  constexpr char where[] = "hve_embedder_close";
  return bounded(where, error, [&] { return close_model(where, embedder); });
}

hve_status hve_embedder_session(hve_embedder* embedder, hve_session** session, hve_text* error) {
  constexpr char where[] = "hve_embedder_session";
  return bounded(where, error, [&] { return lend_session(where, embedder, session); });
}

hve_status hve_embedder_size(hve_embedder* embedder, size_t* count, hve_text* error) {
  constexpr char where[] = "hve_embedder_size";
  if (count != nullptr) *count = 0;
  return bounded(where, error, [&]() -> Outcome {
    if (Outcome outcome = check_handle(where, embedder); !outcome.ok()) return outcome;
    if (Outcome outcome = check_place(where, count, "count"); !outcome.ok()) return outcome;
    *count = static_cast<size_t>(embedder->model.size());
    return {};
  });
}

hve_status hve_embedder_embed(hve_embedder* embedder, const hve_image* image, float* embedding,
                              size_t capacity, size_t* count, hve_text* error) {
  constexpr char where[] = "hve_embedder_embed";
  if (count != nullptr) *count = 0;
  return bounded(where, error, [&]() -> Outcome {
    if (Outcome outcome = check_handle(where, embedder); !outcome.ok()) return outcome;
    if (Outcome outcome = check_place(where, count, "count"); !outcome.ok()) return outcome;
    const auto size = static_cast<std::size_t>(embedder->model.size());
    Outcome room = check_room(where, embedding, capacity, size);
    if (!room.ok() || embedding == nullptr) {
      if (room.ok() || room.code() == HVE_BUFFER_TOO_SMALL) *count = size;
      return room;
    }
    hvit_edge::ImageView view;
    if (Outcome outcome = to_image_view(where, image, view); !outcome.ok()) return outcome;
    const std::lock_guard<std::mutex> one_at_a_time(embedder->session.running);
    const auto found = embedder->model.embed(view);
    if (!found.ok()) return found.status();
    return give_values(where, (*found)->data(), (*found)->size(), embedding, capacity, count);
  });
}

float hve_cosine_similarity(const float* a, const float* b, size_t count) {
  if (a == nullptr || b == nullptr) return 0;
  return hvit_edge::cosine_similarity(a, b, count);
}
