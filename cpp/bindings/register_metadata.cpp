#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cstdio>
#include <cstring>

#include "hvit_edge/metadata.h"
#include "registers.h"

namespace hvit_edge::bindings {

namespace py = pybind11;

namespace {

// Returns colors as an artifact writes them.
std::vector<std::string> colors_of(const Metadata& metadata) {
  std::vector<std::string> texts;
  for (const Color& color : metadata.colors) {
    char text[8];
    std::snprintf(text, sizeof(text), "#%02x%02x%02x", color.red, color.green, color.blue);
    texts.emplace_back(text);
  }
  return texts;
}

py::array_t<float> anchors_of(const DetectSpec& spec) {
  static_assert(sizeof(Anchor) == 4 * sizeof(float), "rows are copied as they are");
  py::array_t<float> rows({static_cast<py::ssize_t>(spec.anchors.size()), py::ssize_t{4}});
  std::memcpy(rows.mutable_data(), spec.anchors.data(), spec.anchors.size() * sizeof(Anchor));
  return rows;
}

}  // namespace

void register_metadata(py::module_& module) {
  py::class_<Parity>(module, "Parity")
      .def_readonly("max_abs", &Parity::max_abs)
      .def_readonly("max_rel", &Parity::max_rel)
      .def_readonly("cosine", &Parity::cosine)
      .def_readonly("top1_agree", &Parity::top1_agree);
  py::class_<LayerRecord>(module, "LayerRecord")
      .def_readonly("name", &LayerRecord::name)
      .def_readonly("precision", &LayerRecord::precision)
      .def_readonly("sqnr_db", &LayerRecord::sqnr_db);
  py::class_<OperatorRecord>(module, "OperatorRecord")
      .def_readonly("kind", &OperatorRecord::kind)
      .def_readonly("module", &OperatorRecord::module);
  py::class_<MethodInfo>(module, "MethodInfo")
      .def_readonly("name", &MethodInfo::name)
      .def_readonly("batch", &MethodInfo::batch)
      .def_readonly("height", &MethodInfo::height)
      .def_readonly("width", &MethodInfo::width);
  py::class_<DetectSpec>(module, "DetectSpec")
      .def_property_readonly("anchors", &anchors_of)
      .def_readonly("variances", &DetectSpec::variances)
      .def_readonly("score_threshold", &DetectSpec::score_threshold)
      .def_readonly("iou_threshold", &DetectSpec::iou_threshold)
      .def_readonly("candidates", &DetectSpec::candidates)
      .def_readonly("max_detections", &DetectSpec::max_detections);
  py::class_<Metadata>(module, "Metadata")
      .def_readonly("schema_version", &Metadata::schema_version)
      .def_readonly("task", &Metadata::task)
      .def_readonly("model_name", &Metadata::model_name)
      .def_readonly("target", &Metadata::target)
      .def_readonly("precision", &Metadata::precision)
      .def_readonly("created", &Metadata::created)
      .def_readonly("weights_source", &Metadata::weights_source)
      .def_readonly("weights_sha256", &Metadata::weights_sha256)
      .def_readonly("versions", &Metadata::versions)
      .def_readonly("labels", &Metadata::labels)
      .def_readonly("preprocess", &Metadata::preprocess)
      .def_readonly("parity", &Metadata::parity)
      .def_readonly("golden_tolerance", &Metadata::golden_tolerance)
      .def_readonly("layers", &Metadata::layers)
      .def_readonly("cpu", &Metadata::cpu)
      .def_readonly("operators", &Metadata::operators)
      .def_readonly("methods", &Metadata::methods)
      .def_readonly("method", &Metadata::method)
      .def_readonly("output_names", &Metadata::output_names)
      .def_readonly("normalize", &Metadata::normalize)
      .def_property_readonly("colors", &colors_of)
      .def_readonly("detect", &Metadata::detect);
}

}  // namespace hvit_edge::bindings
