// hve_classifier: maps an image to classes.
#include "hvit_edge/classifier.h"

#include <algorithm>

#include "boundary.h"
#include "handles.h"
#include "image_view.h"
#include "open.h"
#include "output.h"
#include "text.h"

namespace hvit_edge::capi {
namespace {

Outcome classify(const char* where, hve_classifier& handle, const hve_image* image, int top_k,
                 hve_prediction* predictions) {
  ImageView view;
  if (Outcome outcome = to_image_view(where, image, view); !outcome.ok()) return outcome;
  const std::lock_guard<std::mutex> one_at_a_time(handle.session.running);
  const Result<std::vector<Prediction>> found = handle.model.classify(view, top_k);
  if (!found.ok()) return found.status();
  for (std::size_t i = 0; i < found->size(); ++i) {
    const Prediction& prediction = (*found)[i];
    const std::string& label = handle.labels[static_cast<std::size_t>(prediction.index)];
    predictions[i] = {label.c_str(), label.size(), prediction.index, prediction.score};
  }
  return {};
}

}  // namespace
}  // namespace hvit_edge::capi

using namespace hvit_edge::capi;

hve_status hve_classifier_open(const char* path, const hve_options* options,
                               hve_classifier** classifier, hve_text* error) {
  constexpr char where[] = "hve_classifier_open";
  return bounded(where, error, [&] {
    return open_path<hvit_edge::Classifier>(where, path, options, classifier);
  });
}

hve_status hve_classifier_open_memory(const void* data, size_t size, const hve_options* options,
                                      hve_classifier** classifier, hve_text* error) {
  constexpr char where[] = "hve_classifier_open_memory";
  return bounded(where, error, [&] {
    return open_memory<hvit_edge::Classifier>(where, data, size, options, classifier);
  });
}

hve_status hve_classifier_close(hve_classifier** classifier, hve_text* error) {
  constexpr char where[] = "hve_classifier_close";
  return bounded(where, error, [&] { return close_model(where, classifier); });
}

hve_status hve_classifier_session(hve_classifier* classifier, hve_session** session,
                                  hve_text* error) {
  constexpr char where[] = "hve_classifier_session";
  return bounded(where, error, [&] { return lend_session(where, classifier, session); });
}

hve_status hve_classifier_class_count(hve_classifier* classifier, size_t* count, hve_text* error) {
  constexpr char where[] = "hve_classifier_class_count";
  if (count != nullptr) *count = 0;
  return bounded(where, error, [&]() -> Outcome {
    if (Outcome outcome = check_handle(where, classifier); !outcome.ok()) return outcome;
    if (Outcome outcome = check_place(where, count, "count"); !outcome.ok()) return outcome;
    *count = classifier->labels.size();
    return {};
  });
}

hve_status hve_classifier_classify(hve_classifier* classifier, const hve_image* image,
                                   int32_t top_k, hve_prediction* predictions, size_t capacity,
                                   size_t* count, hve_text* error) {
  constexpr char where[] = "hve_classifier_classify";
  if (count != nullptr) *count = 0;
  return bounded(where, error, [&]() -> Outcome {
    if (Outcome outcome = check_handle(where, classifier); !outcome.ok()) return outcome;
    if (Outcome outcome = check_place(where, count, "count"); !outcome.ok()) return outcome;
    if (top_k < 1) {
      return refuse(where, hvit_edge::concat("expected top_k of at least 1, got ", top_k,
                                             "; ask for one class or more"));
    }
    const std::size_t wanted = std::min(classifier->labels.size(), static_cast<std::size_t>(top_k));
    Outcome room = check_room(where, predictions, capacity, wanted);
    if (room.code() == HVE_BUFFER_TOO_SMALL) *count = wanted;
    if (!room.ok()) return room;
    if (predictions != nullptr) {
      if (Outcome outcome = classify(where, *classifier, image, top_k, predictions);
          !outcome.ok()) {
        return outcome;
      }
    }
    *count = wanted;
    return {};
  });
}

hve_status hve_classifier_logits(hve_classifier* classifier, const hve_image* image, float* logits,
                                 size_t capacity, size_t* count, hve_text* error) {
  constexpr char where[] = "hve_classifier_logits";
  if (count != nullptr) *count = 0;
  return bounded(where, error, [&]() -> Outcome {
    if (Outcome outcome = check_handle(where, classifier); !outcome.ok()) return outcome;
    if (Outcome outcome = check_place(where, count, "count"); !outcome.ok()) return outcome;
    const std::size_t classes = classifier->labels.size();
    Outcome room = check_room(where, logits, capacity, classes);
    if (!room.ok() || logits == nullptr) {
      if (room.ok() || room.code() == HVE_BUFFER_TOO_SMALL) *count = classes;
      return room;
    }
    hvit_edge::ImageView view;
    if (Outcome outcome = to_image_view(where, image, view); !outcome.ok()) return outcome;
    const std::lock_guard<std::mutex> one_at_a_time(classifier->session.running);
    const auto found = classifier->model.logits(view);
    if (!found.ok()) return found.status();
    return give_values(where, (*found)->data(), (*found)->size(), logits, capacity, count);
  });
}
