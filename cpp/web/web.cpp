// The runtime for a page: one model, whose calls return a status and leave their answer as text.
// See python/hvit_edge/assets/web/engine.js, which calls them, and docs/web.md.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hvit_edge/classifier.h"
#include "hvit_edge/detector.h"
#include "hvit_edge/embedder.h"
#include "hvit_edge/segmenter.h"
#include "hvit_edge/session.h"
#include "hvit_edge/version.h"
#include "json_writer.h"
#include "text.h"

#define HVE_WEB(name) extern "C" __attribute__((export_name(#name), used))

namespace hvit_edge {
namespace {

constexpr std::size_t kAlignment = 64;

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

/// An opened artifact: a model of photos of one task, or a session of arrays.
struct Model {
  std::unique_ptr<void, Free> artifact;  // read in place, and so destroyed last
  std::optional<Session> arrays;
  std::optional<Classifier> classifier;
  std::optional<Embedder> embedder;
  std::optional<Segmenter> segmenter;
  std::optional<Detector> detector;
  Mask mask;  // of the last photo
  std::vector<Detection> found;

  Session& session() {
    if (classifier) return classifier->session();
    if (embedder) return embedder->session();
    if (segmenter) return segmenter->session();
    if (detector) return detector->session();
    return *arrays;
  }
};

std::unique_ptr<Model> model;
std::string text;  // of the last call: JSON, or why it was refused

int answer(std::string json) {
  text = std::move(json);
  return static_cast<int>(StatusCode::ok);
}

int refuse(const Status& status) {
  text = status.message();
  return static_cast<int>(status.code());
}

int refuse_without_model(const char* where) {
  return refuse(Status(StatusCode::invalid_argument,
                       concat("[", where, "] expected an open artifact, got none; open one")));
}

std::vector<std::string> names_of(const std::vector<MethodInfo>& methods) {
  std::vector<std::string> names;
  for (const MethodInfo& method : methods) names.push_back(method.name);
  return names;
}

std::string describe(Model& opened) {
  Session& session = opened.session();
  const Metadata& metadata = session.metadata();
  const std::vector<TensorSpec>& outputs = session.outputs();
  return JsonWriter()
      .field("runtime", HVIT_EDGE_VERSION)
      .field("model", metadata.model_name)
      .field("task", metadata.task)
      .field("target", metadata.target)
      .field("precision", metadata.precision)
      .field("created", metadata.created)
      .field("weights", metadata.weights_source)
      .field("input_height", metadata.preprocess.input_height)
      .field("input_width", metadata.preprocess.input_width)
      .field("classes", outputs.empty() ? std::int64_t{0} : outputs[0].shape.back())
      .field("methods", names_of(metadata.methods))
      .field("tolerance", metadata.golden_tolerance)
      .field("planned_memory_bytes", session.planned_memory_bytes())
      .finish();
}

template <typename Kind>
Status keep(Result<Kind> made, std::optional<Kind>& kept) {
  if (!made.ok()) return made.status();
  kept.emplace(std::move(made).value());
  return Status();
}

Status open(std::unique_ptr<Model>& opened, std::size_t size) {
  Result<Session> session = Session::load(opened->artifact.get(), size);
  if (!session.ok()) return session.status();
  const std::string task = session->metadata().task;
  Session loaded = std::move(session).value();
  if (task == kClassifyTask) return keep(Classifier::create(std::move(loaded)), opened->classifier);
  if (task == kEmbedTask) return keep(Embedder::create(std::move(loaded)), opened->embedder);
  if (task == kSegmentTask) return keep(Segmenter::create(std::move(loaded)), opened->segmenter);
  if (task == kDetectTask) return keep(Detector::create(std::move(loaded)), opened->detector);
  opened->arrays.emplace(std::move(loaded));
  return Status();
}

std::size_t values_of(const std::vector<TensorSpec>& specs) {
  std::size_t count = 0;
  for (const TensorSpec& spec : specs) count += static_cast<std::size_t>(spec.numel());
  return count;
}

Status check_floats(const std::vector<TensorSpec>& specs) {
  for (const TensorSpec& spec : specs) {
    if (spec.dtype == DType::float32) continue;
    return Status(StatusCode::invalid_argument,
                  concat("[web.run] expected tensors of float32, got one of ",
                         to_string(spec.dtype), "; use the runtime for Python, C or C++"));
  }
  return Status();
}

// Runs with inputs one after another, and writes outputs the same way.
Status run(Session& session, const float* inputs, std::size_t count, float* outputs,
           std::size_t room) {
  if (Status status = check_floats(session.inputs()); !status.ok()) return status;
  if (Status status = check_floats(session.outputs()); !status.ok()) return status;
  const std::size_t expected = values_of(session.inputs());
  const std::size_t needed = values_of(session.outputs());
  if (count != expected || room < needed) {
    return Status(StatusCode::invalid_argument,
                  concat("[web.run] expected ", expected, " values and room for ", needed, ", got ",
                         count, " and ", room, "; pass all inputs one after another"));
  }
  std::vector<TensorView> views;
  for (const TensorSpec& spec : session.inputs()) {
    views.push_back({inputs, spec.shape, spec.dtype});
    inputs += spec.numel();
  }
  std::vector<float*> results;
  for (const TensorSpec& spec : session.outputs()) {
    results.push_back(outputs);
    outputs += spec.numel();
  }
  return session.run(views, results);
}

std::string list(const std::vector<Prediction>& predictions) {
  JsonWriter json;
  json.begin_list("predictions");
  for (const Prediction& prediction : predictions) {
    json.begin_object();
    json.field("label", prediction.label)
        .field("index", prediction.index)
        .field("score", prediction.score);
    json.end_object();
  }
  json.end_list();
  return json.finish();
}

// Lists the classes of a mask that have a pixel.
std::string list(const Mask& mask, const Segmenter& segmenter) {
  std::vector<std::int64_t> areas(static_cast<std::size_t>(segmenter.num_classes()));
  for (const std::uint8_t index : mask.classes) ++areas[index];
  JsonWriter json;
  json.field("width", mask.width).field("height", mask.height).begin_list("segments");
  for (std::size_t i = 0; i < areas.size(); ++i) {
    if (areas[i] == 0) continue;
    const int index = static_cast<int>(i);
    const Color color = segmenter.color(index);
    json.begin_object();
    json.field("label", segmenter.label(index))
        .field("index", index)
        .field("color", std::vector<int>{color.red, color.green, color.blue})
        .field("area", areas[i]);
    json.end_object();
  }
  json.end_list();
  return json.finish();
}

std::string list(const std::vector<Detection>& found, const Detector& detector) {
  JsonWriter json;
  json.begin_list("detections");
  for (const Detection& one : found) {
    json.begin_object();
    json.field("label", detector.label(one.index))
        .field("index", one.index)
        .field("score", one.score)
        .field("bbox", std::vector<float>{one.x, one.y, one.width, one.height});
    json.end_object();
  }
  json.end_list();
  return json.finish();
}

// A photo of width x height pixels of four bytes, of which the last is ignored.
ImageView rgba(const std::uint8_t* pixels, int width, int height) {
  ImageView image;
  image.data = pixels;
  image.width = width;
  image.height = height;
  image.format = PixelFormat::rgba8888;
  return image;
}

}  // namespace
}  // namespace hvit_edge

using hvit_edge::model;

// Returns memory for an artifact, a photo or arrays; null if there is not as much.
HVE_WEB(hve_web_allocate) void* hve_web_allocate(std::size_t bytes) {
  const std::size_t whole = (bytes / hvit_edge::kAlignment + 1) * hvit_edge::kAlignment;
  return std::aligned_alloc(hvit_edge::kAlignment, whole);
}

HVE_WEB(hve_web_release) void hve_web_release(void* memory) { std::free(memory); }

// Returns the answer of the last call, in UTF-8 with a NUL at the end.
HVE_WEB(hve_web_text) const char* hve_web_text() { return hvit_edge::text.c_str(); }

// Opens an artifact in allocated memory, which it takes over. If it is refused, the model that was
// open before stays.
HVE_WEB(hve_web_open) int hve_web_open(void* data, std::size_t size) {
  auto opened = std::make_unique<hvit_edge::Model>();
  opened->artifact.reset(data);
  if (hvit_edge::Status status = hvit_edge::open(opened, size); !status.ok()) {
    return hvit_edge::refuse(status);
  }
  model = std::move(opened);
  return hvit_edge::answer(hvit_edge::describe(*model));
}

// Classifies a photo of width x height pixels of four bytes, of which the last is ignored.
HVE_WEB(hve_web_classify)
int hve_web_classify(const std::uint8_t* pixels, int width, int height, int top_k) {
  if (model == nullptr || !model->classifier) {
    return hvit_edge::refuse_without_model("web.classify");
  }
  const auto image = hvit_edge::rgba(pixels, width, height);
  const auto predictions = model->classifier->classify(image, top_k);
  if (!predictions.ok()) return hvit_edge::refuse(predictions.status());
  return hvit_edge::answer(hvit_edge::list(*predictions));
}

// Returns the vector of such a photo.
HVE_WEB(hve_web_embed) int hve_web_embed(const std::uint8_t* pixels, int width, int height) {
  if (model == nullptr || !model->embedder) return hvit_edge::refuse_without_model("web.embed");
  const auto vector = model->embedder->embed(hvit_edge::rgba(pixels, width, height));
  if (!vector.ok()) return hvit_edge::refuse(vector.status());
  return hvit_edge::answer(hvit_edge::JsonWriter().field("embedding", **vector).finish());
}

// Segments such a photo; hve_web_mask returns the pixels.
HVE_WEB(hve_web_segment) int hve_web_segment(const std::uint8_t* pixels, int width, int height) {
  if (model == nullptr || !model->segmenter) return hvit_edge::refuse_without_model("web.segment");
  const auto image = hvit_edge::rgba(pixels, width, height);
  const hvit_edge::Status status = model->segmenter->segment(image, model->mask);
  if (!status.ok()) return hvit_edge::refuse(status);
  return hvit_edge::answer(hvit_edge::list(model->mask, *model->segmenter));
}

// Returns the class of each pixel of the last mask, a byte each; valid until the next mask.
HVE_WEB(hve_web_mask) const std::uint8_t* hve_web_mask() {
  return model == nullptr ? nullptr : model->mask.classes.data();
}

// Finds the objects with a score above the threshold in such a photo.
HVE_WEB(hve_web_detect)
int hve_web_detect(const std::uint8_t* pixels, int width, int height, double score_threshold) {
  if (model == nullptr || !model->detector) return hvit_edge::refuse_without_model("web.detect");
  const auto image = hvit_edge::rgba(pixels, width, height);
  hvit_edge::DetectOptions options;
  options.score_threshold = score_threshold;
  const hvit_edge::Status status = model->detector->detect(image, model->found, options);
  if (!status.ok()) return hvit_edge::refuse(status);
  return hvit_edge::answer(hvit_edge::list(model->found, *model->detector));
}

// Runs the model once. Every tensor is float32.
HVE_WEB(hve_web_run)
int hve_web_run(const float* inputs, std::size_t count, float* outputs, std::size_t room) {
  if (model == nullptr) return hvit_edge::refuse_without_model("web.run");
  const hvit_edge::Status status = hvit_edge::run(model->session(), inputs, count, outputs, room);
  if (!status.ok()) return hvit_edge::refuse(status);
  return hvit_edge::answer("{}");
}

// Returns the number of values of all inputs, or of all outputs; 0 if no artifact is open.
HVE_WEB(hve_web_values) std::size_t hve_web_values(int outputs) {
  if (model == nullptr) return 0;
  hvit_edge::Session& session = model->session();
  return hvit_edge::values_of(outputs != 0 ? session.outputs() : session.inputs());
}

HVE_WEB(hve_web_self_test) int hve_web_self_test() {
  if (model == nullptr) return hvit_edge::refuse_without_model("web.self_test");
  const hvit_edge::Result<hvit_edge::SelfTest> result = model->session().self_test();
  if (!result.ok()) return hvit_edge::refuse(result.status());
  return hvit_edge::answer(hvit_edge::JsonWriter()
                               .field("passed", result->passed)
                               .field("max_abs", result->max_abs)
                               .field("max_rel", result->max_rel)
                               .field("top1_agree", result->top1_agree)
                               .finish());
}
