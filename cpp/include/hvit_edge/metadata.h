// The metadata of an artifact. docs/artifact.md defines each field.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "hvit_edge/preprocess.h"

namespace hvit_edge {

/// The difference of the program from eager PyTorch, measured when it was compiled.
struct Parity {
  double max_abs = 0;
  double max_rel = 0;
  double cosine = 0;
  bool top1_agree = false;
};

/// The difference of a layer's output from the float network's, measured when it was compiled.
struct LayerRecord {
  std::string name;
  std::string precision;
  double sqnr_db = 0;  ///< signal to quantization noise ratio; infinite if nothing was rounded
};

/// An operator of the graph that the delegate was given when the artifact was compiled.
struct OperatorRecord {
  std::string kind;    ///< as the delegate's format names it: "Conv2d"
  std::string module;  ///< dotted path of the module it came from; may be empty
};

/// A method of an artifact with several: the model for one input size and batch.
struct MethodInfo {
  std::string name;  ///< "320x240", or "320x240-batch4"
  int batch = 1;     ///< photos of an input
  int height = 0;    ///< pixels of a photo
  int width = 0;
};

/// A color of a class, for pictures of masks.
struct Color {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
};

/// A box from which a detector's offsets start, in parts of the input: 1 is its whole side.
struct Anchor {
  float center_x = 0;
  float center_y = 0;
  float width = 0;
  float height = 0;
};

/// How the outputs of the task "detect" become boxes. docs/artifact.md has the formulas.
struct DetectSpec {
  std::vector<Anchor> anchors;                   ///< one for each row of the outputs
  std::array<double, 2> variances = {0.1, 0.2};  ///< of the center, and of the size
  double score_threshold = 0;                    ///< a box has a greater score; 0 to 1
  double iou_threshold = 0;  ///< a box that overlaps a better one more than this is dropped
  int candidates = 0;        ///< best boxes of a class that are compared; the others are dropped
  int max_detections = 0;    ///< best boxes of all classes that are returned
};

struct Metadata {
  std::int64_t schema_version = 0;
  /// One of the tasks below. An artifact of "tensor" has neither preprocessing nor labels.
  std::string task = "classify";
  std::string model_name;
  std::string target;
  std::string precision;
  std::string created;
  std::string weights_source;
  std::string weights_sha256;
  std::vector<std::pair<std::string, std::string>> versions;  ///< {"torch", "2.13.0"}, ...
  /// In class order; may be empty. Those of "detect" begin with class 1, after the background.
  std::vector<std::string> labels;
  PreprocessSpec preprocess;  ///< for all tasks but "tensor"
  Parity parity;
  double golden_tolerance = 0;
  std::vector<LayerRecord> layers;        ///< the worst first; empty for fp32 and older artifacts
  std::vector<OperatorRecord> operators;  ///< in serialized order; empty for older artifacts
  std::string cpu = "any";  ///< the CPU that the program is shaped for, "any" or "arm"
  /// The methods, the preferred one first; empty for an artifact of one method.
  std::vector<MethodInfo> methods;
  std::string method;  ///< the one that the other fields describe; empty without `methods`
  std::vector<std::string> output_names;  ///< of the outputs; empty for the task "classify"
  /// "l2" or "none": whether Embedder divides by the length; only for the task "embed".
  std::string normalize;
  std::vector<Color> colors;  ///< in class order, for the task "segment"; may be empty
  DetectSpec detect;          ///< only for the task "detect"
};

/// Returns the index in `methods` of the method for one photo of this upright size, in pixels: the
/// one that loses the least of the photo if the photo is cropped to the input's aspect ratio; of
/// several, the first. Methods with a batch above 1 are left out; -1 if there is no other.
int method_for(const std::vector<MethodInfo>& methods, int width, int height);

/// The tasks that this library knows: a photo to classes, to a vector, to a class for each pixel,
/// to boxes; and arrays to arrays.
constexpr char kClassifyTask[] = "classify";
constexpr char kEmbedTask[] = "embed";
constexpr char kSegmentTask[] = "segment";
constexpr char kDetectTask[] = "detect";
constexpr char kTensorTask[] = "tensor";

/// The schema of the task "classify", and the newest schema of other tasks that this library reads.
constexpr std::int64_t kClassifierSchemaVersion = 1;
constexpr std::int64_t kSchemaVersion = 2;

}  // namespace hvit_edge
