// Classifies a photo:        hvit_edge_classify model.pte photo.ppm
// Makes a PPM of any photo:  python -c "from PIL import Image; Image.open('a.jpg').save('a.ppm')"
#include <hvit_edge/classifier.h>

#include <cstdio>
#include <string>

#include "ppm.h"

namespace {

int fail(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return fail("usage: hvit_edge_classify model.pte photo.ppm");
  const Ppm photo(argv[2]);
  if (photo.pixels.empty()) return fail(std::string("expected a P6 photo, got ") + argv[2]);

  auto classifier = hvit_edge::Classifier::load(argv[1]);
  if (!classifier.ok()) return fail(classifier.status().message());

  hvit_edge::ImageView image;
  image.data = photo.pixels.data();
  image.width = photo.width;
  image.height = photo.height;
  const auto predictions = classifier->classify(image);
  if (!predictions.ok()) return fail(predictions.status().message());

  for (const auto& [label, index, score] : *predictions) {
    std::printf("%6.2f %%  %s (%d)\n", 100 * score, label.c_str(), index);
  }
  return 0;
}
