/* Calls what the Swift package calls, through its module: `make apple-link` links it for macOS.
 * tests/test_ios_swift.py compares the names. */
#pragma clang module import CHvitEdge

#include <stddef.h>

static int classify(hve_classifier* classifier, hve_text* error) {
  hve_session* session = NULL;
  hve_self_test_result result = hvit_edge_self_test_result();
  hve_image image = hvit_edge_image();
  hve_prediction prediction;
  hve_text text = {NULL, 0, 0};
  int64_t integer = 0;
  double numbers[3];
  size_t count = 0;

  return hve_classifier_class_count(classifier, &count, error) ||
         hve_classifier_session(classifier, &session, error) ||
         hve_session_text(session, HVE_TEXT_TARGET, &text, error) ||
         hve_session_integer(session, HVE_INTEGER_INPUT_WIDTH, &integer, error) ||
         hve_session_numbers(session, HVE_NUMBERS_MEAN, numbers, 3, &count, error) ||
         hve_session_list_count(session, HVE_LIST_LABELS, &count, error) ||
         hve_session_list_text(session, HVE_LIST_LABELS, 0, &text, error) ||
         hve_session_self_test(session, &result, error) ||
         hve_classifier_classify(classifier, &image, 1, &prediction, 1, &count, error);
}

static int run_tasks(const char* artifact, hve_text* error) {
  hve_options options = hvit_edge_options();
  hve_detect_options detect = hvit_edge_detect_options();
  hve_image image = hvit_edge_image();
  hve_embedder* embedder = NULL;
  hve_segmenter* segmenter = NULL;
  hve_detector* detector = NULL;
  hve_session* session = NULL;
  hve_detection box;
  uint8_t bytes[3];
  float number = 0;
  size_t count = 0;

  options.prepare_later = 1;
  return hve_session_open(artifact, &options, &session, error) ||
         hve_session_close(&session, error) ||
         hve_embedder_open(artifact, &options, &embedder, error) ||
         hve_embedder_open_memory(artifact, 1, &options, &embedder, error) ||
         hve_embedder_session(embedder, &session, error) ||
         hve_embedder_size(embedder, &count, error) ||
         hve_embedder_embed(embedder, &image, &number, 1, &count, error) ||
         hve_embedder_close(&embedder, error) || hve_cosine_similarity(&number, &number, 1) > 1 ||
         hve_segmenter_open(artifact, &options, &segmenter, error) ||
         hve_segmenter_open_memory(artifact, 1, &options, &segmenter, error) ||
         hve_segmenter_session(segmenter, &session, error) ||
         hve_segmenter_class_count(segmenter, &count, error) ||
         hve_segmenter_colors(segmenter, bytes, 3, &count, error) ||
         hve_segmenter_segment(segmenter, &image, bytes, 3, NULL, 0, &count, error) ||
         hve_segmenter_close(&segmenter, error) ||
         hve_detector_open(artifact, &options, &detector, error) ||
         hve_detector_open_memory(artifact, 1, &options, &detector, error) ||
         hve_detector_session(detector, &session, error) ||
         hve_detector_max_detections(detector, &detect, &count, error) ||
         hve_detector_detect(detector, &image, &detect, &box, 1, &count, error) ||
         hve_detector_close(&detector, error);
}

int main(int argc, char** argv) {
  char reason[512];
  hve_text error = HVE_TEXT(reason);
  hve_options options = hvit_edge_options();
  hve_classifier* classifier = NULL;
  int failed;

  if (argc != 2 || hve_abi_version() != HVE_ABI_VERSION || hve_version() == NULL) return 2;
  if (hve_classifier_open(argv[1], &options, &classifier, &error) != HVE_OK &&
      hve_classifier_open_memory(argv[1], 1, &options, &classifier, &error) != HVE_OK) {
    return 1;
  }
  failed = classify(classifier, &error) || run_tasks(argv[1], &error);
  return hve_classifier_close(&classifier, &error) || failed;
}
