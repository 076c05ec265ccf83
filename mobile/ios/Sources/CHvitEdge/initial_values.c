#include "CHvitEdge.h"

hve_options hvit_edge_options(void) {
  hve_options options = HVE_OPTIONS_INIT;
  return options;
}

hve_detect_options hvit_edge_detect_options(void) {
  hve_detect_options options = HVE_DETECT_OPTIONS_INIT;
  return options;
}

hve_image hvit_edge_image(void) {
  hve_image image = HVE_IMAGE_INIT;
  return image;
}

hve_self_test_result hvit_edge_self_test_result(void) {
  hve_self_test_result result = HVE_SELF_TEST_RESULT_INIT;
  return result;
}
