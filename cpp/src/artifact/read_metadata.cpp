#include "artifact/read_metadata.h"

#include <algorithm>
#include <string>
#include <vector>

#include "artifact/field_reader.h"
#include "artifact/golden_tensors.h"
#include "artifact/layer_records.h"
#include "artifact/method_list.h"
#include "artifact/operator_records.h"
#include "artifact/read_tasks.h"
#include "text.h"

namespace hvit_edge {
namespace {

PreprocessSpec read_preprocess(FieldReader& reader) {
  PreprocessSpec spec;
  const std::vector<int> size = reader.small_integers("hve_input_size", 2);
  spec.input_height = size[0];
  spec.input_width = size[1];
  // The names are in the order of the enumerations.
  spec.resize =
      static_cast<Resize>(choice(reader, "hve_resize", {"shortest", "stretch", "shortest-floor"}));
  spec.resize_size = reader.small_integer("hve_resize_size");
  spec.interpolation = static_cast<Interpolation>(
      choice(reader, "hve_interpolation", {"bilinear", "bicubic", "lanczos"}));
  const std::vector<double> mean = reader.numbers("hve_mean", 3);
  const std::vector<double> std = reader.numbers("hve_std", 3);
  for (int c = 0; c < 3; ++c) {
    spec.mean[c] = static_cast<float>(mean[c]);
    spec.std[c] = static_cast<float>(std[c]);
  }
  spec.channel_order = choice(reader, "hve_channel_order", {"RGB", "BGR"}) == 0 ? ChannelOrder::rgb
                                                                                : ChannelOrder::bgr;
  return spec;
}

Parity read_parity(FieldReader& reader) {
  const std::vector<double> values = reader.numbers("hve_parity", 4);
  return Parity{values[0], values[1], values[2], values[3] != 0};
}

std::vector<std::pair<std::string, std::string>> read_versions(FieldReader& reader) {
  std::vector<std::pair<std::string, std::string>> versions;
  for (const std::string& line : lines_of(reader.text("hve_versions"))) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) {
      reader.note("hve_versions: expected lines name=version, got '" + line + "'");
      continue;
    }
    versions.emplace_back(line.substr(0, equals), line.substr(equals + 1));
  }
  return versions;
}

std::vector<LayerRecord> read_layers(FieldReader& reader) {
  std::vector<LayerRecord> layers;
  const std::string fault = parse_layer_records(reader.optional_text("hve_layers"), layers);
  if (!fault.empty()) reader.note("hve_layers: " + fault);
  return layers;
}

std::vector<OperatorRecord> read_operators(FieldReader& reader) {
  std::vector<OperatorRecord> operators;
  const std::string fault =
      parse_operator_records(reader.optional_text("hve_operators"), operators);
  if (!fault.empty()) reader.note("hve_operators: " + fault);
  return operators;
}

Status check_schema(FieldReader& reader, Program& program, Metadata& metadata) {
  if (!program.has_method("hve_schema_version")) {
    return Status(StatusCode::invalid_artifact,
                  "[Session.load] expected the metadata of an hvit-edge artifact, got a program "
                  "without hve_schema_version; compile the model with hvit-edge");
  }
  const std::int64_t schema = reader.integer("hve_schema_version");
  if (schema > kSchemaVersion) {
    return Status(StatusCode::unsupported_version,
                  concat("[Session.load] expected schema version ", kSchemaVersion,
                         " at most, got ", schema, "; update hvit-edge"));
  }
  if (std::string task = reader.optional_text("hve_task"); !task.empty()) {
    metadata.task = std::move(task);
  }
  const std::vector<std::string> known = {kClassifyTask, kEmbedTask, kSegmentTask, kDetectTask,
                                          kTensorTask};
  if (std::find(known.begin(), known.end(), metadata.task) == known.end()) {
    return Status(StatusCode::unsupported_version,
                  concat("[Session.load] expected one of the tasks ", join(known, ", "), ", got '",
                         metadata.task, "'; update hvit-edge"));
  }
  metadata.schema_version = schema;
  const std::int64_t wanted =
      metadata.task == kClassifyTask ? kClassifierSchemaVersion : kSchemaVersion;
  if (schema != wanted) {
    reader.note(concat("hve_schema_version: expected ", wanted, ", got ", schema));
  }
  return Status();
}

// Reads the list of methods, and checks that the program has them.
void read_methods(FieldReader& reader, const Program& program, Metadata& metadata) {
  const std::string fault = parse_methods(reader.optional_text("hve_methods"), metadata.methods);
  if (!fault.empty()) return reader.note("hve_methods: " + fault);
  for (std::size_t i = 1; i < metadata.methods.size(); ++i) {
    if (program.has_method(metadata.methods[i].name)) continue;
    reader.note(
        concat("hve_methods: expected methods of the program, got ", metadata.methods[i].name));
  }
}

// Returns the listed batch and size of the method that `metadata` describes; null without a list.
const MethodInfo* listed(const Metadata& metadata) {
  for (const MethodInfo& method : metadata.methods) {
    if (method.name == metadata.method) return &method;
  }
  return nullptr;
}

// A method has the listed batch and size, and all methods have the same classes.
void check_method(FieldReader& reader, const Program& program, const Metadata& metadata) {
  const MethodInfo* method = listed(metadata);
  if (method == nullptr) return;
  const PreprocessSpec& spec = metadata.preprocess;
  if (spec.input_height != method->height || spec.input_width != method->width) {
    reader.note(concat("hve_methods: expected the input size of ", method->name, ", ",
                       spec.input_height, "x", spec.input_width, ", got ", method->height, "x",
                       method->width));
  }
  const std::vector<TensorSpec>& first = program.entries()[0].outputs;
  const bool some = first.size() == 1 && first[0].shape.size() == 2;
  const std::vector<std::int64_t> wanted = {method->batch, some ? first[0].shape[1] : 0};
  const bool one = program.outputs().size() == 1;
  if (!some || !one || program.outputs()[0].shape != wanted) {
    reader.note(
        concat("hve_methods: expected one output [batch, classes] with the same classes in "
               "every method, got ",
               one ? to_string(program.outputs()[0].shape) : "several", " in ", method->name));
  }
}

// The program must read what the preprocessing writes.
void check_input(FieldReader& reader, const Program& program, const Metadata& metadata) {
  const PreprocessSpec& spec = metadata.preprocess;
  const MethodInfo* method = listed(metadata);
  const int batch = method == nullptr ? 1 : method->batch;
  const std::vector<std::int64_t> wanted = {batch, 3, spec.input_height, spec.input_width};
  const bool one = program.inputs().size() == 1;
  if (!one || program.inputs()[0].shape != wanted) {
    reader.note(concat("hve_input_size: expected the shape of forward's input, ",
                       one ? to_string(program.inputs()[0].shape) : "one tensor", ", got ",
                       to_string(wanted)));
  }
}

// A classifier must have as many classes as labels.
void check_labels(FieldReader& reader, const Program& program, const Metadata& metadata) {
  if (metadata.labels.empty() || program.outputs().empty()) return;
  const TensorSpec& output = program.outputs()[0];
  if (output.shape.empty() || output.shape.back() != static_cast<int>(metadata.labels.size())) {
    reader.note(concat("hve_labels: expected one a class of forward's output ",
                       to_string(output.shape), ", got ", metadata.labels.size()));
  }
}

// Reads the fields of all tasks that take a photo. Returns false if they have faults.
bool read_photo_task(FieldReader& reader, const Program& program, Metadata& metadata) {
  metadata.labels = lines_of(reader.text("hve_labels"));
  metadata.preprocess = read_preprocess(reader);
  reader.expect_tensor("hve_golden_image", DType::uint8);
  if (!reader.status().ok()) return false;
  if (Status status = validate(metadata.preprocess); !status.ok()) reader.note(status.message());
  check_input(reader, program, metadata);
  return true;
}

// Reads the fields that only a classifier has.
void read_classifier(FieldReader& reader, const Program& program, const std::string& method,
                     Metadata& metadata) {
  read_methods(reader, program, metadata);
  if (!metadata.methods.empty()) {
    metadata.method = method.empty() ? metadata.methods[0].name : method;
  }
  reader.expect_tensor("hve_golden_output", DType::float32);
  if (!read_photo_task(reader, program, metadata)) return;
  check_labels(reader, program, metadata);
  check_method(reader, program, metadata);
}

// Reads the fields of the tasks embed, segment and detect.
void read_other_photo_task(FieldReader& reader, Program& program, Metadata& metadata) {
  if (!read_photo_task(reader, program, metadata)) return;
  read_task(reader, program, metadata);
  check_golden_outputs(reader, program);
}

}  // namespace

Result<Metadata> read_metadata(Program& program, const std::string& method) {
  FieldReader reader(program, method);
  Metadata metadata;
  if (Status status = check_schema(reader, program, metadata); !status.ok()) return status;
  metadata.model_name = reader.text("hve_model_name");
  metadata.target = reader.text("hve_target");
  metadata.precision = reader.text("hve_precision");
  metadata.created = reader.text("hve_created");
  metadata.weights_source = reader.text("hve_weights_source");
  metadata.weights_sha256 = reader.text("hve_weights_sha256");
  metadata.versions = read_versions(reader);
  metadata.parity = read_parity(reader);
  metadata.golden_tolerance = reader.number("hve_golden_tolerance");
  metadata.layers = read_layers(reader);
  if (std::string cpu = reader.optional_text("hve_cpu"); !cpu.empty())
    metadata.cpu = std::move(cpu);
  metadata.operators = read_operators(reader);
  if (metadata.task == kTensorTask) {
    read_names(reader, "hve_input_names", program.inputs());
    read_names(reader, "hve_output_names", program.outputs());
    check_golden_inputs(reader, program);
    check_golden_outputs(reader, program);
  } else if (has_task_fields(metadata.task)) {
    read_other_photo_task(reader, program, metadata);
  } else {
    read_classifier(reader, program, method, metadata);
  }
  if (metadata.task != kClassifyTask) {
    for (const TensorSpec& spec : program.outputs()) metadata.output_names.push_back(spec.name);
  }
  if (Status status = reader.status(); !status.ok()) return status;
  return metadata;
}

}  // namespace hvit_edge
