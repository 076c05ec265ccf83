#include <hvit_edge/c_api.h>
#include <stdint.h>
#include <stdio.h>

enum { WIDTH = 64, HEIGHT = 48, TOP = 3 };

static int fail(const hve_text* error) {
  fprintf(stderr, "%s\n", error->data);
  return 1;
}

int main(int argc, char** argv) {
  static uint8_t frame[HEIGHT][WIDTH][4]; /* what a camera delivered */
  char reason[512];
  hve_text error = HVE_TEXT(reason);
  hve_classifier* classifier = NULL;
  hve_image image = HVE_IMAGE_INIT;
  hve_prediction predictions[TOP];
  size_t count = 0;
  size_t i;

  if (hve_abi_version() != HVE_ABI_VERSION || argc != 2) return 2;
  if (hve_classifier_open(argv[1], NULL, &classifier, &error) != HVE_OK) return fail(&error);

  image.planes[0].data = &frame[0][0][0];
  image.planes[0].size = sizeof(frame);
  image.planes[0].row_stride = sizeof(frame[0]);
  image.width = WIDTH;
  image.height = HEIGHT;
  image.format = HVE_FORMAT_RGBA8888;
  image.rotation = 90;
  if (hve_classifier_classify(classifier, &image, TOP, predictions, TOP, &count, &error) !=
      HVE_OK) {
    hve_classifier_close(&classifier, NULL);
    return fail(&error);
  }
  for (i = 0; i < count; ++i) {
    printf("%5.1f %%  %s\n", 100 * predictions[i].score, predictions[i].label);
  }
  hve_classifier_close(&classifier, NULL);
  return 0;
}
