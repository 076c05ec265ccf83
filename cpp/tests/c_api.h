// The C interface for tests: handles that close themselves, and errors as strings.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "hvit_edge/c_api.h"

namespace hvit_edge::testing {

struct CloseSession {
  void operator()(hve_session* session) const { hve_session_close(&session, nullptr); }
};
struct CloseClassifier {
  void operator()(hve_classifier* classifier) const { hve_classifier_close(&classifier, nullptr); }
};
struct CloseEmbedder {
  void operator()(hve_embedder* embedder) const { hve_embedder_close(&embedder, nullptr); }
};
struct CloseSegmenter {
  void operator()(hve_segmenter* segmenter) const { hve_segmenter_close(&segmenter, nullptr); }
};
struct CloseDetector {
  void operator()(hve_detector* detector) const { hve_detector_close(&detector, nullptr); }
};
using OwnedEmbedder = std::unique_ptr<hve_embedder, CloseEmbedder>;
using OwnedSegmenter = std::unique_ptr<hve_segmenter, CloseSegmenter>;
using OwnedDetector = std::unique_ptr<hve_detector, CloseDetector>;
using OwnedSession = std::unique_ptr<hve_session, CloseSession>;
using OwnedClassifier = std::unique_ptr<hve_classifier, CloseClassifier>;

/// The `hve_text* error` of a call.
class Reason {
 public:
  operator hve_text*() { return &text_; }  // NOLINT: implicit on purpose
  std::string text() const { return data_; }

 private:
  char data_[1024] = "unset";
  hve_text text_ = HVE_TEXT(data_);
};

inline OwnedSession open_session(const std::string& path) {
  hve_session* session = nullptr;
  hve_session_open(path.c_str(), nullptr, &session, nullptr);
  return OwnedSession(session);
}

inline OwnedClassifier open_classifier(const std::string& path) {
  hve_classifier* classifier = nullptr;
  hve_classifier_open(path.c_str(), nullptr, &classifier, nullptr);
  return OwnedClassifier(classifier);
}

inline hve_image rgb_image(const std::vector<std::uint8_t>& bytes, int width, int height) {
  hve_image image = HVE_IMAGE_INIT;
  image.planes[0].data = bytes.data();
  image.planes[0].size = bytes.size();
  image.width = width;
  image.height = height;
  return image;
}

/// Returns bytes that vary.
inline std::vector<std::uint8_t> some_bytes(std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 64);
  return bytes;
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace hvit_edge::testing
