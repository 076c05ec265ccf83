#include <hvit_edge/frame_classifier.h>

#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

static int fail(const hvit_edge::Status& status) {
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  auto classifier = hvit_edge::Classifier::load(argv[1]);
  if (!classifier.ok()) return fail(classifier.status());

  hvit_edge::FrameClassifierOptions options;
  options.top_k = 3;
  options.smoothing_seconds = 0.5;
  int shown = -1;
  auto stream = hvit_edge::FrameClassifier::create(
      std::move(classifier).value(),
      [&shown](const hvit_edge::FrameResult& result) {  // called on the worker thread
        if (!result.status.ok()) {
          fail(result.status);
          return;
        }
        if (result.predictions[0].index == shown) return;
        shown = result.predictions[0].index;
        for (const auto& prediction : result.predictions) {
          std::printf("%5.1f %%  %s\n", 100 * prediction.score, prediction.label.c_str());
        }
      },
      options);
  if (!stream.ok()) return fail(stream.status());

  const std::vector<std::uint8_t> frame(64 * 48 * 4);  // a camera's frame
  hvit_edge::ImageView image;
  image.data = frame.data();
  image.width = 64;
  image.height = 48;
  image.format = hvit_edge::PixelFormat::rgba8888;
  image.rotation = hvit_edge::Rotation::by_90;
  for (int i = 0; i < 30; ++i) {
    const auto number = stream->submit(image);  // copied: the camera may reuse it
    if (!number.ok()) return fail(number.status());
  }
  if (const auto status = stream->drain(); !status.ok()) return fail(status);
  const hvit_edge::FrameCounts counts = stream->counts();
  return counts.submitted == counts.processed + counts.dropped ? 0 : 1;
}
