// What an artifact says about itself. docs/artifact.md defines each field.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "hvit_edge/preprocess.h"

namespace hvit_edge {

/// How close the program comes to eager PyTorch, measured when it was compiled.
struct Parity {
  double max_abs = 0;
  double max_rel = 0;
  double cosine = 0;
  bool top1_agree = false;
};

/// How far a layer's output is from the float network's, measured when it was compiled.
struct LayerRecord {
  std::string name;
  std::string precision;
  double sqnr_db = 0;  ///< signal to quantisation noise; infinite where nothing was rounded
};

/// An operator of the graph that the delegate was given when the artifact was compiled.
struct OperatorRecord {
  std::string kind;    ///< as the delegate's format names it: "Conv2d"
  std::string module;  ///< dotted path of where it came from; may be empty
};

struct Metadata {
  std::int64_t schema_version = 0;
  std::string task = "classify";  ///< or "tensor": arrays in, arrays out; no preprocessing, labels
  std::string model_name;
  std::string target;
  std::string precision;
  std::string created;
  std::string weights_source;
  std::string weights_sha256;
  std::vector<std::pair<std::string, std::string>> versions;  ///< {"torch", "2.13.0"}, ...
  std::vector<std::string> labels;                            ///< in class order; may be empty
  PreprocessSpec preprocess;                                  ///< of the task "classify" alone
  Parity parity;
  double golden_tolerance = 0;
  std::vector<LayerRecord> layers;        ///< the worst first; empty for fp32 and older artifacts
  std::vector<OperatorRecord> operators;  ///< as serialised; empty for older artifacts
  std::string cpu = "any";                ///< what the program is shaped for: "any" or "arm"
};

/// The tasks that this library knows.
constexpr char kClassifyTask[] = "classify";
constexpr char kTensorTask[] = "tensor";

/// The schema of the task "classify", and the newest that this library reads: of other tasks.
constexpr std::int64_t kClassifierSchemaVersion = 1;
constexpr std::int64_t kSchemaVersion = 2;

}  // namespace hvit_edge
