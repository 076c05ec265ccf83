#include "commands.h"
#include "hvit_edge/classifier.h"
#include "json_writer.h"
#include "read_ppm.h"

namespace hvit_edge {

Result<std::string> classify_command(const Arguments& arguments) {
  const Result<PpmPhoto> photo = read_ppm(arguments.operands[1]);
  if (!photo.ok()) return photo.status();
  SessionOptions options;
  options.threads = arguments.options.at("--threads");
  Result<Classifier> classifier = Classifier::load(arguments.operands[0], options);
  if (!classifier.ok()) return classifier.status();
  const auto predictions = classifier->classify(photo->view(), arguments.options.at("--top-k"));
  if (!predictions.ok()) return predictions.status();
  JsonWriter json;
  json.begin_list("predictions");
  for (const Prediction& prediction : *predictions) {
    json.begin_object();
    json.field("label", prediction.label)
        .field("index", prediction.index)
        .field("score", prediction.score);
    json.end_object();
  }
  json.end_list();
  return json.finish();
}

}  // namespace hvit_edge
