/* Draws what a model finds over a photo, its mask or its boxes, by the C interface:
 *   hvit_edge_overlay_c model.pte photo.ppm overlay.ppm */
#include <hvit_edge/c_api.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct photo {
  int width;
  int height;
  uint8_t* pixels; /* R G B */
} photo;

static int fail(const char* reason) {
  fprintf(stderr, "%s\n", reason);
  return 2;
}

/* Reads binary PPM with 8 bits a channel and no comments; returns 0 for anything else. */
static int read_ppm(const char* path, photo* read) {
  FILE* file = fopen(path, "rb");
  size_t size = 0;
  int depth = 0;
  int fine = file != NULL &&
             fscanf(file, "P6 %d %d %d", &read->width, &read->height, &depth) == 3 &&
             fgetc(file) != EOF && depth == 255 && read->width > 0 && read->height > 0;
  if (fine) {
    size = (size_t)3 * (size_t)read->width * (size_t)read->height;
    read->pixels = malloc(size);
    fine = read->pixels != NULL && fread(read->pixels, 1, size, file) == size;
  }
  if (file != NULL) fclose(file);
  return fine;
}

static int write_ppm(const char* path, const photo* written) {
  const size_t size = (size_t)3 * (size_t)written->width * (size_t)written->height;
  FILE* file = fopen(path, "wb");
  int fine = file != NULL &&
             fprintf(file, "P6\n%d %d\n255\n", written->width, written->height) > 0 &&
             fwrite(written->pixels, 1, size, file) == size;
  if (file != NULL && fclose(file) != 0) fine = 0;
  return fine;
}

static hve_image image_of(const photo* shown) {
  hve_image image = HVE_IMAGE_INIT;
  image.planes[0].data = shown->pixels;
  image.planes[0].size = (size_t)3 * (size_t)shown->width * (size_t)shown->height;
  image.width = shown->width;
  image.height = shown->height;
  image.format = HVE_FORMAT_RGB888;
  return image;
}

/* Mixes each pixel that is not background with the color of its class. */
static hve_status draw_mask(const char* artifact, photo* shown, hve_text* error) {
  const hve_image image = image_of(shown);
  const size_t pixels = (size_t)shown->width * (size_t)shown->height;
  uint8_t* classes = malloc(pixels);
  uint8_t colors[3 * 256];
  hve_segmenter* segmenter = NULL;
  size_t count = 0;
  size_t i;
  hve_status status = hve_segmenter_open(artifact, NULL, &segmenter, error);
  if (status == HVE_OK) {
    status = hve_segmenter_colors(segmenter, colors, sizeof(colors), &count, error);
  }
  if (status == HVE_OK) {
    status = hve_segmenter_segment(segmenter, &image, classes, pixels, NULL, 0, &count, error);
  }
  for (i = 0; status == HVE_OK && i < 3 * count; ++i) {
    const uint8_t index = classes[i / 3];
    if (index != 0)
      shown->pixels[i] = (uint8_t)((shown->pixels[i] + colors[3 * index + i % 3]) / 2);
  }
  hve_segmenter_close(&segmenter, NULL);
  free(classes);
  return status;
}

static int at_most(float value, int most) { return value < (float)most ? (int)value : most; }

/* Draws the border of a box in yellow. */
static void draw_box(photo* shown, const hve_detection* box) {
  const int left = at_most(box->x, shown->width - 1);
  const int upper = at_most(box->y, shown->height - 1);
  const int right = at_most(box->x + box->width, shown->width - 1);
  const int lower = at_most(box->y + box->height, shown->height - 1);
  int x, y;
  for (y = upper; y <= lower; ++y) {
    for (x = left; x <= right; ++x) {
      uint8_t* pixel = shown->pixels + 3 * (y * shown->width + x);
      if (y != upper && y != lower && x != left && x != right) continue;
      pixel[0] = pixel[1] = 255;
      pixel[2] = 0;
    }
  }
}

static hve_status draw_boxes(const char* artifact, photo* shown, hve_text* error) {
  const hve_image image = image_of(shown);
  hve_detector* detector = NULL;
  hve_detection* found = NULL;
  size_t room = 0;
  size_t count = 0;
  size_t i;
  hve_status status = hve_detector_open(artifact, NULL, &detector, error);
  if (status == HVE_OK) status = hve_detector_max_detections(detector, NULL, &room, error);
  if (status == HVE_OK) {
    found = malloc(room * sizeof(*found));
    status = hve_detector_detect(detector, &image, NULL, found, room, &count, error);
  }
  for (i = 0; i < count; ++i) {
    const hve_detection* box = found + i;
    printf("%5.1f %%  %-12s %.0f x %.0f at %.0f, %.0f\n", 100 * (double)box->score, box->label,
           (double)box->width, (double)box->height, (double)box->x, (double)box->y);
    draw_box(shown, box);
  }
  free(found);
  hve_detector_close(&detector, NULL);
  return status;
}

/* Reads the name of the artifact's task. */
static hve_status find_task(const char* artifact, char* name, size_t capacity, hve_text* error) {
  hve_options options = HVE_OPTIONS_INIT;
  hve_session* session = NULL;
  hve_text task = {NULL, 0, 0};
  hve_status status;
  task.data = name;
  task.capacity = capacity;
  options.prepare_later = 1; /* nothing runs */
  status = hve_session_open(artifact, &options, &session, error);
  if (status == HVE_OK) status = hve_session_text(session, HVE_TEXT_TASK, &task, error);
  hve_session_close(&session, NULL);
  return status;
}

int main(int argc, char** argv) {
  char reason[512];
  char task[32] = "";
  hve_text error = HVE_TEXT(reason);
  photo shown = {0, 0, NULL};
  hve_status status;
  int failed = 0;

  if (argc != 4) return fail("usage: hvit_edge_overlay_c model.pte photo.ppm overlay.ppm");
  if (!read_ppm(argv[2], &shown)) return fail("expected a P6 photo as the second argument");
  status = find_task(argv[1], task, sizeof(task), &error);
  if (status == HVE_OK) {
    status = strcmp(task, "detect") == 0 ? draw_boxes(argv[1], &shown, &error)
                                         : draw_mask(argv[1], &shown, &error);
  }
  if (status != HVE_OK) {
    failed = fail(reason);
  } else if (!write_ppm(argv[3], &shown)) {
    failed = fail("cannot write the overlay");
  }
  free(shown.pixels);
  return failed;
}
