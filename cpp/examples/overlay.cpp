// Draws what a model finds over a photo, its mask or its boxes:
//   hvit_edge_overlay model.pte photo.ppm overlay.ppm
#include <hvit_edge/detector.h>
#include <hvit_edge/segmenter.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "ppm.h"

namespace {

int fail(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return 2;
}

hvit_edge::ImageView view_of(const Ppm& photo) {
  hvit_edge::ImageView image;
  image.data = photo.pixels.data();
  image.width = photo.width;
  image.height = photo.height;
  return image;
}

// Mixes each pixel that is not background with the color of its class.
hvit_edge::Status draw_mask(hvit_edge::Session session, Ppm& photo) {
  auto segmenter = hvit_edge::Segmenter::create(std::move(session));
  if (!segmenter.ok()) return segmenter.status();
  hvit_edge::Mask mask;
  if (auto status = segmenter->segment(view_of(photo), mask); !status.ok()) return status;
  for (std::size_t i = 0; i < mask.classes.size(); ++i) {
    if (mask.classes[i] == 0) continue;
    const hvit_edge::Color color = segmenter->color(mask.classes[i]);
    unsigned char* pixel = &photo.pixels[3 * i];
    pixel[0] = static_cast<unsigned char>((pixel[0] + color.red) / 2);
    pixel[1] = static_cast<unsigned char>((pixel[1] + color.green) / 2);
    pixel[2] = static_cast<unsigned char>((pixel[2] + color.blue) / 2);
  }
  return hvit_edge::Status();
}

void paint(Ppm& photo, int x, int y) {
  unsigned char* pixel = &photo.pixels[std::size_t{3} * (y * photo.width + x)];
  pixel[0] = pixel[1] = 255;
  pixel[2] = 0;
}

// Draws the border of each box in yellow.
hvit_edge::Status draw_boxes(hvit_edge::Session session, Ppm& photo) {
  auto detector = hvit_edge::Detector::create(std::move(session));
  if (!detector.ok()) return detector.status();
  std::vector<hvit_edge::Detection> found;
  if (auto status = detector->detect(view_of(photo), found); !status.ok()) return status;
  for (const hvit_edge::Detection& box : found) {
    std::printf("%5.1f %%  %-12s %.0f x %.0f at %.0f, %.0f\n", 100 * box.score,
                detector->label(box.index).c_str(), box.width, box.height, box.x, box.y);
    const int left = std::min(static_cast<int>(box.x), photo.width - 1);
    const int upper = std::min(static_cast<int>(box.y), photo.height - 1);
    const int right = std::min(static_cast<int>(box.x + box.width), photo.width - 1);
    const int lower = std::min(static_cast<int>(box.y + box.height), photo.height - 1);
    for (int x = left; x <= right; ++x) paint(photo, x, upper), paint(photo, x, lower);
    for (int y = upper; y <= lower; ++y) paint(photo, left, y), paint(photo, right, y);
  }
  return hvit_edge::Status();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return fail("usage: hvit_edge_overlay model.pte photo.ppm overlay.ppm");
  Ppm photo(argv[2]);
  if (photo.pixels.empty()) return fail(std::string("expected a P6 photo, got ") + argv[2]);

  auto session = hvit_edge::Session::load(argv[1]);
  if (!session.ok()) return fail(session.status().message());
  const bool has_boxes = session->metadata().task == hvit_edge::kDetectTask;
  const auto status = has_boxes ? draw_boxes(std::move(session).value(), photo)
                                : draw_mask(std::move(session).value(), photo);
  if (!status.ok()) return fail(status.message());
  return photo.write(argv[3]) ? 0 : fail(std::string("cannot write ") + argv[3]);
}
