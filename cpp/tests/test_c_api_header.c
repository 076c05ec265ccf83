/* The header by itself, as C99: it compiles without a warning and its macros make valid structs. */
#include "test_c_api_header.h"

#include "hvit_edge/c_api.h"

static const char* g_failure = "";

static void expect(int holds, const char* what) {
  if (!holds && *g_failure == '\0') g_failure = what;
}

static void check_structs(void) {
  hve_options options = HVE_OPTIONS_INIT;
  hve_image image = HVE_IMAGE_INIT;
  hve_detect_options detect = HVE_DETECT_OPTIONS_INIT;
  hve_self_test_result result = HVE_SELF_TEST_RESULT_INIT;
  expect(options.struct_size == sizeof(options) && options.reserved == 0 && options.method == NULL,
         "options");
  expect(detect.struct_size == sizeof(detect) && detect.score_threshold < 0 &&
             detect.iou_threshold < 0 && detect.candidates == 0 && detect.max_detections == 0,
         "detect options");
  expect(image.struct_size == sizeof(image) && image.planes[2].data == NULL, "image");
  expect(result.struct_size == sizeof(result) && result.passed == 0, "self test");
  expect(sizeof(hve_status) == 4, "size of hve_status");
}

/* Sizes and places of members are the ABI. */
static void check_layout(void) {
  expect(sizeof(hve_options) == sizeof(size_t) + 16 + sizeof(char*), "size of hve_options");
  expect(offsetof(hve_options, method) == sizeof(size_t) + 16, "place of method");
  expect(sizeof(hve_text) == 3 * sizeof(size_t), "size of hve_text");
  expect(sizeof(hve_plane) == 4 * sizeof(size_t), "size of hve_plane");
  expect(sizeof(hve_image) == 13 * sizeof(size_t) + 24, "size of hve_image");
  expect(offsetof(hve_image, width) == 13 * sizeof(size_t), "place of width");
  expect(sizeof(hve_prediction) == 2 * sizeof(size_t) + 8, "size of hve_prediction");
  expect(sizeof(hve_detect_options) == sizeof(size_t) + 16, "size of hve_detect_options");
  expect(sizeof(hve_detection) == 2 * sizeof(size_t) + 24, "size of hve_detection");
  expect(offsetof(hve_detection, x) == 2 * sizeof(size_t) + 8, "place of x");
  expect(sizeof(hve_self_test_result) == 32, "size of hve_self_test_result");
}

static void check_versions(void) {
  expect(hve_abi_version() == HVE_ABI_VERSION, "ABI version");
  expect(*hve_version() != '\0', "version");
}

static void check_classifying(const char* artifact) {
  static const uint8_t pixels[8 * 8 * 3] = {255, 128};
  char reason[256];
  hve_text error = HVE_TEXT(reason);
  hve_options options = HVE_OPTIONS_INIT;
  hve_image image = HVE_IMAGE_INIT;
  hve_classifier* classifier = NULL;
  hve_prediction best;
  size_t count = 0;
  image.planes[0].data = pixels;
  image.planes[0].size = sizeof(pixels);
  image.width = 8;
  image.height = 8;
  image.format = HVE_FORMAT_RGB888;
  expect(hve_classifier_open(artifact, &options, &classifier, &error) == HVE_OK, "open");
  expect(error.size == 0 && reason[0] == '\0', "no error");
  expect(hve_classifier_classify(classifier, &image, 1, &best, 1, &count, &error) == HVE_OK,
         "classify");
  expect(count == 1 && best.label_size > 0 && best.score > 0, "prediction");
  expect(hve_classifier_close(&classifier, &error) == HVE_OK && classifier == NULL, "close");
}

const char* use_header_from_c(const char* artifact) {
  check_structs();
  check_layout();
  check_versions();
  check_classifying(artifact);
  return g_failure;
}
