#include "hvit_edge/segmenter.h"

#include <utility>

#include "guard.h"
#include "photo_runner.h"
#include "tasks/mask_maker.h"
#include "text.h"

namespace hvit_edge {
namespace {

constexpr int kMostClasses = 256;  // a mask has a byte for each pixel

}  // namespace

struct Segmenter::State {
  State(Session opened, bool pinned) : runner(std::move(opened), pinned) {}

  static Result<Segmenter> loaded(Result<Session> session, bool pinned);
  static Result<Segmenter> checked(Session session, bool pinned);

  Status segment(const ImageView& image, Mask& mask, const SegmentOptions& options);

  PhotoRunner runner;
  LogitMap logits;
  MaskMaker maker;
};

Result<Segmenter> Segmenter::State::checked(Session session, bool pinned) {
  auto state = std::make_unique<State>(std::move(session), pinned);
  if (Status status = state->runner.prepare({kSegmentTask, "Segmenter.create"}); !status.ok()) {
    return status;
  }
  const std::vector<std::int64_t>& shape = state->runner.session.outputs()[0].shape;
  if (shape[1] > kMostClasses) {
    return Status(
        StatusCode::invalid_artifact,
        concat("[Segmenter.create] expected a model of at most ", kMostClasses, " classes, got ",
               shape[1], "; use Session, which returns the logits of all classes"));
  }
  state->logits = {state->runner.outputs[0].data(), static_cast<int>(shape[1]),
                   static_cast<int>(shape[2]), static_cast<int>(shape[3])};
  return Segmenter(std::move(state));
}

Status Segmenter::State::segment(const ImageView& image, Mask& mask,
                                 const SegmentOptions& options) {
  if (Status status = runner.run(image); !status.ok()) return status;
  if (Status status = runner.check_finite("Segmenter.segment"); !status.ok()) return status;
  const Result<Placement> placement = place(runner.session.metadata().preprocess, image);
  if (!placement.ok()) return placement.status();
  maker.run(logits, *placement, options.confidence, mask);
  return Status();
}

Status Segmenter::segment(const ImageView& image, Mask& mask, const SegmentOptions& options) {
  return guarded("Segmenter.segment", [&] { return state_->segment(image, mask, options); });
}

int Segmenter::num_classes() const { return state_->logits.classes; }

std::string Segmenter::label(int index) const {
  return label_of(state_->runner.session.metadata().labels, index);
}

Color Segmenter::color(int index) const {
  const std::vector<Color>& colors = state_->runner.session.metadata().colors;
  const bool known = index >= 0 && static_cast<std::size_t>(index) < colors.size();
  return known ? colors[static_cast<std::size_t>(index)] : default_color(index);
}

// Bits 0, 1 and 2 of the index are the highest ones of red, green and blue, the next three the
// second highest, and so on.
Color default_color(int index) {
  unsigned channels[3] = {0, 0, 0};
  auto bits = static_cast<unsigned>(index);
  for (int shift = 7; shift >= 0; --shift) {
    for (unsigned& channel : channels) {
      channel |= (bits & 1U) << shift;
      bits >>= 1U;
    }
  }
  return {static_cast<std::uint8_t>(channels[0]), static_cast<std::uint8_t>(channels[1]),
          static_cast<std::uint8_t>(channels[2])};
}

Segmenter::Segmenter(std::unique_ptr<State> state) : state_(std::move(state)) {}
Segmenter::Segmenter(Segmenter&&) noexcept = default;
Segmenter& Segmenter::operator=(Segmenter&&) noexcept = default;
Segmenter::~Segmenter() = default;

Result<Segmenter> Segmenter::State::loaded(Result<Session> session, bool pinned) {
  if (!session.ok()) return session.status();
  return guarded("Segmenter.create", [&] { return checked(std::move(session).value(), pinned); });
}

Result<Segmenter> Segmenter::load(const std::string& path, const SessionOptions& options) {
  return State::loaded(Session::load(path, options), !options.method.empty());
}

Result<Segmenter> Segmenter::load(const void* data, std::size_t size,
                                  const SessionOptions& options) {
  return State::loaded(Session::load(data, size, options), !options.method.empty());
}

Result<Segmenter> Segmenter::create(Session session) {
  return State::loaded(std::move(session), false);
}

Result<const std::vector<std::vector<float>>*> Segmenter::outputs(const ImageView& image) {
  return guarded("Segmenter.outputs", [&]() -> Result<const std::vector<std::vector<float>>*> {
    if (Status status = state_->runner.run(image); !status.ok()) return status;
    return &state_->runner.outputs;
  });
}

Session& Segmenter::session() { return state_->runner.session; }

}  // namespace hvit_edge
