#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "commands.h"
#include "hvit_edge/session.h"
#include "json_writer.h"
#include "output_file.h"
#include "progress.h"
#include "stopwatch.h"
#include "text.h"

namespace hvit_edge {
namespace {

Status refuse(const std::string& fault) {
  return Status(StatusCode::invalid_argument, "[run] " + fault);
}

// Checks for one float32 input, and float32 as the first output.
Status check_signature(const Session& session) {
  const auto& inputs = session.inputs();
  const auto& outputs = session.outputs();
  if (inputs.size() == 1 && inputs[0].dtype == DType::float32 && inputs[0].numel() > 0 &&
      !outputs.empty() && outputs[0].dtype == DType::float32) {
    return Status();
  }
  return refuse(concat("expected a model with one float32 input and a float32 output, got ",
                       inputs.size(), " inputs (", inputs.empty() ? "" : to_string(inputs[0].dtype),
                       ") and ", outputs.size(), " outputs (",
                       outputs.empty() ? "" : to_string(outputs[0].dtype),
                       "); use the library for other models"));
}

// Returns how many inputs of `bytes` each the file holds.
Result<std::int64_t> count_inputs(const std::string& path, std::int64_t bytes) {
  std::error_code error;
  const bool regular = std::filesystem::is_regular_file(path, error);
  const auto size = regular ? std::filesystem::file_size(path, error) : 0;
  if (error || !regular) {
    return refuse(concat(path, ": expected a file of inputs, got ",
                         error ? error.message() : "a directory or device",
                         "; write the arrays as raw float32 first"));
  }
  if (size == 0 || size % static_cast<std::uintmax_t>(bytes) != 0) {
    return refuse(concat(path, ": expected a multiple of ", bytes, " bytes (one input), got ", size,
                         "; write complete inputs as raw float32"));
  }
  return static_cast<std::int64_t>(size) / bytes;
}

// Runs every input of `file`; returns the milliseconds of each run.
Result<std::vector<double>> run_all(Session& session, std::istream& file, std::int64_t count,
                                    OutputFile& output) {
  const TensorSpec& spec = session.inputs()[0];
  std::vector<float> input(static_cast<std::size_t>(spec.numel()));
  std::vector<double> milliseconds;
  Progress progress(count);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto bytes = static_cast<std::streamsize>(input.size() * sizeof(float));
    if (!file.read(reinterpret_cast<char*>(input.data()), bytes)) {
      return refuse(concat("expected input ", i,
                           ", got a file that ends or cannot be read; keep it"
                           " unchanged while it is run"));
    }
    const Stopwatch running;
    const auto outputs = session.run({{input.data(), spec.shape, spec.dtype}});
    milliseconds.push_back(1e3 * running.seconds());
    if (!outputs.ok()) return outputs.status();
    const TensorView& first = outputs->front();
    const auto size = static_cast<std::size_t>(first.numel()) * sizeof(float);
    if (Status status = output.write(first.data, size); !status.ok()) return status;
    progress.step();
  }
  return milliseconds;
}

}  // namespace

Result<std::string> run_command(const Arguments& arguments) {
  SessionOptions options;
  options.threads = arguments.options.at("--threads");
  Result<Session> session = Session::load(arguments.operands[0], options);
  if (!session.ok()) return session.status();
  if (Status status = check_signature(*session); !status.ok()) return status;
  const std::int64_t bytes = session->inputs()[0].numel() * std::int64_t{sizeof(float)};
  const Result<std::int64_t> count = count_inputs(arguments.operands[1], bytes);
  if (!count.ok()) return count.status();
  std::ifstream file(arguments.operands[1], std::ios::binary);
  Result<OutputFile> output = OutputFile::create(arguments.operands[2]);
  if (!output.ok()) return output.status();
  const auto milliseconds = run_all(*session, file, *count, *output);
  if (!milliseconds.ok()) return milliseconds.status();
  if (Status status = output->commit(); !status.ok()) return status;
  return JsonWriter()
      .field("count", *count)
      .field("shape", session->outputs()[0].shape)
      .field("milliseconds", *milliseconds)
      .finish();
}

}  // namespace hvit_edge
