#include "hvit_edge/embedder.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "guard.h"
#include "photo_runner.h"

namespace hvit_edge {
namespace {

// Features that are shorter are divided by it, as torch.nn.functional.normalize does.
constexpr double kShortest = 1e-12;

double dot(const float* one, const float* other, std::size_t size) {
  double sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += static_cast<double>(one[i]) * other[i];
  return sum;
}

void l2_normalize(const std::vector<float>& features, std::vector<float>& vector) {
  const double length = std::sqrt(dot(features.data(), features.data(), features.size()));
  const double divisor = std::max(length, kShortest);
  for (std::size_t i = 0; i < features.size(); ++i) {
    vector[i] = static_cast<float>(features[i] / divisor);
  }
}

}  // namespace

struct Embedder::State {
  State(Session opened, bool pinned) : runner(std::move(opened), pinned) {}

  static Result<Embedder> loaded(Result<Session> session, bool pinned);
  static Result<Embedder> checked(Session session, bool pinned);

  const std::vector<float>& features() const { return runner.outputs[0]; }

  PhotoRunner runner;
  std::vector<float> normalized;
};

Result<Embedder> Embedder::State::checked(Session session, bool pinned) {
  auto state = std::make_unique<State>(std::move(session), pinned);
  if (Status status = state->runner.prepare({kEmbedTask, "Embedder.create"}); !status.ok()) {
    return status;
  }
  state->normalized.resize(state->features().size());
  return Embedder(std::move(state));
}

Result<const std::vector<float>*> Embedder::embed(const ImageView& image) {
  return guarded("Embedder.embed", [&]() -> Result<const std::vector<float>*> {
    PhotoRunner& runner = state_->runner;
    if (Status status = runner.run(image); !status.ok()) return status;
    if (Status status = runner.check_finite("Embedder.embed"); !status.ok()) return status;
    if (runner.session.metadata().normalize != "l2") return &state_->features();
    l2_normalize(state_->features(), state_->normalized);
    return &state_->normalized;
  });
}

int Embedder::size() const { return static_cast<int>(state_->features().size()); }

Embedder::Embedder(std::unique_ptr<State> state) : state_(std::move(state)) {}
Embedder::Embedder(Embedder&&) noexcept = default;
Embedder& Embedder::operator=(Embedder&&) noexcept = default;
Embedder::~Embedder() = default;

Result<Embedder> Embedder::State::loaded(Result<Session> session, bool pinned) {
  if (!session.ok()) return session.status();
  return guarded("Embedder.create", [&] { return checked(std::move(session).value(), pinned); });
}

Result<Embedder> Embedder::load(const std::string& path, const SessionOptions& options) {
  return State::loaded(Session::load(path, options), !options.method.empty());
}

Result<Embedder> Embedder::load(const void* data, std::size_t size, const SessionOptions& options) {
  return State::loaded(Session::load(data, size, options), !options.method.empty());
}

Result<Embedder> Embedder::create(Session session) {
  return State::loaded(std::move(session), false);
}

Result<const std::vector<std::vector<float>>*> Embedder::outputs(const ImageView& image) {
  return guarded("Embedder.outputs", [&]() -> Result<const std::vector<std::vector<float>>*> {
    if (Status status = state_->runner.run(image); !status.ok()) return status;
    return &state_->runner.outputs;
  });
}

Session& Embedder::session() { return state_->runner.session; }

float cosine_similarity(const float* one, const float* other, std::size_t size) {
  const double lengths = std::sqrt(dot(one, one, size)) * std::sqrt(dot(other, other, size));
  if (!(lengths > 0)) return 0;
  return static_cast<float>(std::clamp(dot(one, other, size) / lengths, -1.0, 1.0));
}

}  // namespace hvit_edge
