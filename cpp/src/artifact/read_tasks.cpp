#include "artifact/read_tasks.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "text.h"

namespace hvit_edge {
namespace {

constexpr int kMostBoxes = 1 << 20;
// The time of a frame grows with their square.
constexpr int kMostCandidates = 1 << 14;

// A size in the shape of an output: a number, or kAny for what the model decides.
constexpr std::int64_t kAny = -1;

struct OutputForm {
  const char* name;
  std::vector<std::int64_t> shape;
};

bool matches(const TensorSpec& spec, const OutputForm& form) {
  if (spec.dtype != DType::float32 || spec.shape.size() != form.shape.size()) return false;
  for (std::size_t i = 0; i < spec.shape.size(); ++i) {
    const bool fits = form.shape[i] == kAny ? spec.shape[i] > 0 : spec.shape[i] == form.shape[i];
    if (!fits) return false;
  }
  return true;
}

std::string described(const OutputForm& form) {
  std::vector<std::string> sizes;
  for (const std::int64_t size : form.shape) {
    sizes.push_back(size == kAny ? "any" : concat(size));
  }
  return concat(form.name, ", float32 [", join(sizes, ", "), "]");
}

std::string described(const TensorSpec& spec) {
  return concat(spec.name, ", ", to_string(spec.dtype), " ", to_string(spec.shape));
}

// Names the outputs, and returns true if they have the forms.
bool check_outputs(FieldReader& reader, Program& program, const std::vector<OutputForm>& forms) {
  const std::size_t before = reader.fault_count();
  std::vector<TensorSpec>& outputs = program.outputs();
  read_names(reader, "hve_output_names", outputs);
  if (outputs.size() != forms.size()) {
    reader.note(
        concat("hve_task: expected ", forms.size(), " outputs of forward, got ", outputs.size()));
  }
  for (std::size_t i = 0; i < std::min(outputs.size(), forms.size()); ++i) {
    if (outputs[i].name == forms[i].name && matches(outputs[i], forms[i])) continue;
    reader.note(concat("hve_task: expected the output ", described(forms[i]), ", got ",
                       described(outputs[i])));
  }
  return reader.fault_count() == before;
}

void check_labels(FieldReader& reader, const Metadata& metadata, std::int64_t classes) {
  const auto labels = static_cast<std::int64_t>(metadata.labels.size());
  if (labels == 0 || labels == classes) return;
  reader.note(concat("hve_labels: expected one for each of ", classes, " classes",
                     metadata.task == kDetectTask ? " after the background" : "", ", or none, got ",
                     labels));
}

int hex_digit(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
  return -1;
}

// Parses "#rrggbb".
bool parse_color(const std::string& text, Color& color) {
  if (text.size() != 7 || text[0] != '#') return false;
  std::uint8_t* const channels[] = {&color.red, &color.green, &color.blue};
  for (std::size_t i = 0; i < 3; ++i) {
    const int high = hex_digit(text[1 + 2 * i]);
    const int low = hex_digit(text[2 + 2 * i]);
    if (high < 0 || low < 0) return false;
    *channels[i] = static_cast<std::uint8_t>(16 * high + low);
  }
  return true;
}

std::vector<Color> read_colors(FieldReader& reader, std::int64_t classes) {
  std::vector<Color> colors;
  const std::vector<std::string> lines = lines_of(reader.text("hve_colors"));
  if (!lines.empty() && static_cast<std::int64_t>(lines.size()) != classes) {
    reader.note(concat("hve_colors: expected one for each of ", classes, " classes, or none, got ",
                       lines.size()));
  }
  for (const std::string& line : lines) {
    Color color;
    if (!parse_color(line, color)) {
      reader.note(concat("hve_colors: expected lines #rrggbb, got '", line, "'"));
      break;
    }
    colors.push_back(color);
  }
  return colors;
}

void read_embed(FieldReader& reader, Program& program, Metadata& metadata) {
  check_outputs(reader, program, {{"embedding", {1, kAny}}});
  if (!metadata.labels.empty()) {
    reader.note(concat("hve_labels: expected none for the task ", kEmbedTask, ", got ",
                       metadata.labels.size()));
  }
  const std::vector<std::string> kinds = {"l2", "none"};
  metadata.normalize = kinds[static_cast<std::size_t>(choice(reader, "hve_normalize", kinds))];
}

void read_segment(FieldReader& reader, Program& program, Metadata& metadata) {
  if (!check_outputs(reader, program, {{"logits", {1, kAny, kAny, kAny}}})) return;
  const std::int64_t classes = program.outputs()[0].shape[1];
  if (classes < 2) {
    reader.note(concat("hve_task: expected logits of two classes or more, got ", classes));
  }
  check_labels(reader, metadata, classes);
  metadata.colors = read_colors(reader, classes);
}

// Reads a number, and notes a fault if it is below `least` or above `most`.
double number_between(FieldReader& reader, const std::string& name, double least, double most) {
  const std::size_t before = reader.fault_count();
  const double number = reader.number(name);
  if (reader.fault_count() == before && !(number >= least && number <= most)) {
    reader.note(concat(name, ": expected ", least, " to ", most, ", got ", number));
  }
  return number;
}

int count_of(FieldReader& reader, const std::string& name, int most) {
  const std::size_t before = reader.fault_count();
  const int count = reader.small_integer(name);
  if (reader.fault_count() == before && (count < 1 || count > most)) {
    reader.note(concat(name, ": expected 1 to ", most, ", got ", count));
  }
  return count;
}

std::vector<Anchor> read_anchors(FieldReader& reader, std::int64_t count) {
  const std::vector<float> numbers = reader.floats("hve_anchors", {count, 4});
  std::vector<Anchor> anchors;
  anchors.reserve(numbers.size() / 4);
  for (std::size_t i = 0; i + 4 <= numbers.size(); i += 4) {
    const Anchor anchor = {numbers[i], numbers[i + 1], numbers[i + 2], numbers[i + 3]};
    const bool usable = std::isfinite(anchor.center_x) && std::isfinite(anchor.center_y) &&
                        std::isfinite(anchor.width) && std::isfinite(anchor.height) &&
                        anchor.width > 0 && anchor.height > 0;
    if (!usable) {
      reader.note(concat("hve_anchors: expected finite centers and sizes above 0, got ",
                         anchor.center_x, ", ", anchor.center_y, ", ", anchor.width, ", ",
                         anchor.height, " in row ", i / 4));
      break;
    }
    anchors.push_back(anchor);
  }
  return anchors;
}

void read_detect(FieldReader& reader, Program& program, Metadata& metadata) {
  if (!check_outputs(reader, program, {{"logits", {1, kAny, kAny}}, {"offsets", {1, kAny, 4}}})) {
    return;
  }
  const std::int64_t anchors = program.outputs()[0].shape[1];
  const std::int64_t classes = program.outputs()[0].shape[2];
  if (program.outputs()[1].shape[1] != anchors) {
    reader.note(concat("hve_task: expected as many rows of offsets as of logits, ", anchors,
                       ", got ", program.outputs()[1].shape[1]));
  }
  if (classes < 2) {
    reader.note(concat("hve_task: expected logits of the background and a class, got ", classes));
  }
  check_labels(reader, metadata, classes - 1);
  DetectSpec& spec = metadata.detect;
  spec.anchors = read_anchors(reader, anchors);
  const std::vector<double> variances = reader.numbers("hve_variances", 2);
  spec.variances = {variances[0], variances[1]};
  if (!(variances[0] > 0 && variances[1] > 0 && std::isfinite(variances[0] + variances[1]))) {
    reader.note(concat("hve_variances: expected finite numbers above 0, got ", variances[0],
                       " and ", variances[1]));
  }
  spec.score_threshold = number_between(reader, "hve_score_threshold", 0, 1);
  spec.iou_threshold = number_between(reader, "hve_iou_threshold", 0, 1);
  spec.candidates = count_of(reader, "hve_candidates", kMostCandidates);
  spec.max_detections = count_of(reader, "hve_max_detections", kMostBoxes);
}

}  // namespace

int choice(FieldReader& reader, const std::string& name, const std::vector<std::string>& allowed) {
  const std::size_t faults = reader.fault_count();
  const std::string value = reader.text(name);
  if (reader.fault_count() != faults) return 0;
  const auto found = std::find(allowed.begin(), allowed.end(), value);
  if (found != allowed.end()) return static_cast<int>(found - allowed.begin());
  reader.note(concat(name, ": expected ", join(allowed, " or "), ", got '", value, "'"));
  return 0;
}

void read_names(FieldReader& reader, const std::string& field, std::vector<TensorSpec>& specs) {
  const std::vector<std::string> names = lines_of(reader.text(field));
  const std::set<std::string> distinct(names.begin(), names.end());
  if (names.size() != specs.size() || distinct.size() != names.size() || distinct.count("") != 0) {
    reader.note(concat(field, ": expected ", specs.size(), " different names, got ", names.size()));
    return;
  }
  for (std::size_t i = 0; i < specs.size(); ++i) specs[i].name = names[i];
}

bool has_task_fields(const std::string& task) {
  return task == kEmbedTask || task == kSegmentTask || task == kDetectTask;
}

void read_task(FieldReader& reader, Program& program, Metadata& metadata) {
  if (reader.has("hve_methods")) {
    reader.note(concat("hve_methods: expected one method for the task ", metadata.task,
                       ", got a list of them"));
  }
  if (metadata.task == kEmbedTask) read_embed(reader, program, metadata);
  if (metadata.task == kSegmentTask) read_segment(reader, program, metadata);
  if (metadata.task == kDetectTask) read_detect(reader, program, metadata);
}

}  // namespace hvit_edge
