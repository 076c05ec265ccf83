#include <hvit_edge/classifier.h>
#include <hvit_edge/version.h>

#include <cstdint>
#include <cstdio>
#include <vector>

int main(int argc, char** argv) {
  static_assert(HVIT_EDGE_VERSION_MAJOR == 0, "written for 0.x");
  if (argc != 2) return 2;
  auto classifier = hvit_edge::Classifier::load(argv[1]);
  if (!classifier.ok()) {
    std::fprintf(stderr, "%s\n", classifier.status().message().c_str());
    return 1;
  }

  const std::vector<std::uint8_t> frame(64 * 48 * 4);  // a camera's frame
  hvit_edge::ImageView image;
  image.data = frame.data();
  image.width = 64;
  image.height = 48;
  image.row_stride_bytes = 64 * 4;
  image.format = hvit_edge::PixelFormat::rgba8888;
  image.rotation = hvit_edge::Rotation::by_90;
  const auto predictions = classifier->classify(image, 3);
  if (!predictions.ok()) {
    std::fprintf(stderr, "%s\n", predictions.status().message().c_str());
    return 1;
  }
  for (const auto& prediction : *predictions) {
    std::printf("%5.1f %%  %s\n", 100 * prediction.score, prediction.label.c_str());
  }
  return 0;
}
