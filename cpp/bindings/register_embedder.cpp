#include "hvit_edge/embedder.h"
#include "photo_task.h"
#include "registers.h"

namespace hvit_edge::bindings {
namespace {

namespace py = pybind11;

py::array_t<float> embed(Embedder& embedder, const ImageView& image) {
  const std::vector<float>& vector = *without_gil([&] { return embedder.embed(image); });
  return py::array_t<float>(static_cast<py::ssize_t>(vector.size()), vector.data());
}

}  // namespace

void register_embedder(py::module_& module) {
  py::class_<Embedder> bound = bind_photo_task<Embedder>(module, "Embedder");
  def_on_photo(bound, "embed", &embed);
  def_on_photo(bound, "outputs", &outputs<Embedder>);
}

}  // namespace hvit_edge::bindings
