#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "commands.h"
#include "hvit_edge/session.h"
#include "input_file.h"
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

// Returns the bytes of one array of each spec, or 0 if a dtype has no known size.
std::int64_t total_bytes(const std::vector<TensorSpec>& specs) {
  std::int64_t bytes = 0;
  for (const TensorSpec& spec : specs) {
    const auto size = static_cast<std::int64_t>(element_size(spec.dtype));
    if (size == 0) return 0;
    bytes += spec.numel() * size;
  }
  return bytes;
}

// Checks that inputs and outputs can be stored in files.
Status check_signature(const Session& session) {
  if (total_bytes(session.inputs()) > 0 && total_bytes(session.outputs()) > 0) return Status();
  return refuse(
      "expected a model with inputs and outputs of dtypes with a known size, got one without; use "
      "the library for this model");
}

// Returns how many samples of `bytes` each the file holds.
Result<std::int64_t> count_samples(const std::string& path, std::int64_t bytes) {
  std::error_code error;
  const bool regular = std::filesystem::is_regular_file(path, error);
  const auto size = regular ? std::filesystem::file_size(path, error) : 0;
  if (error || !regular) {
    return refuse(concat(path, ": expected a file of samples, got ",
                         error ? error.message() : "a directory or device",
                         "; write the arrays as raw bytes first"));
  }
  if (size == 0 || size % static_cast<std::uintmax_t>(bytes) != 0) {
    return refuse(concat(path, ": expected a multiple of ", bytes, " bytes (one sample), got ",
                         size, "; write all inputs of each sample as raw bytes"));
  }
  return static_cast<std::int64_t>(size) / bytes;
}

// Memory for the inputs of one sample, with an array for each input.
class Sample {
 public:
  explicit Sample(const std::vector<TensorSpec>& specs) {
    for (const TensorSpec& spec : specs) {
      const auto bytes = static_cast<std::size_t>(spec.numel()) * element_size(spec.dtype);
      // Words of eight bytes are aligned for every dtype.
      arrays_.emplace_back((bytes + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t));
      views_.push_back({arrays_.back().data(), spec.shape, spec.dtype});
      sizes_.push_back(bytes);
    }
  }

  // Returns false if the file ends.
  bool read(const InputFile& file) {
    for (std::size_t i = 0; i < arrays_.size(); ++i) {
      if (!read_exactly(file, arrays_[i].data(), sizes_[i])) return false;
    }
    return true;
  }

  const std::vector<TensorView>& views() const { return views_; }

 private:
  std::vector<std::vector<std::uint64_t>> arrays_;
  std::vector<TensorView> views_;
  std::vector<std::size_t> sizes_;
};

Status write_all(const std::vector<TensorView>& outputs, OutputFile& file) {
  for (const TensorView& view : outputs) {
    const auto size = static_cast<std::size_t>(view.numel()) * element_size(view.dtype);
    if (Status status = file.write(view.data, size); !status.ok()) return status;
  }
  return Status();
}

// Runs every sample of `file`; returns the milliseconds of each run.
Result<std::vector<double>> run_all(Session& session, const InputFile& file, std::int64_t count,
                                    OutputFile& output) {
  Sample sample(session.inputs());
  std::vector<double> milliseconds;
  Progress progress(count);
  for (std::int64_t i = 0; i < count; ++i) {
    if (!sample.read(file)) {
      return refuse(concat("expected sample ", i,
                           ", got a file that ends or cannot be read; keep it"
                           " unchanged while it is run"));
    }
    const Stopwatch running;
    const auto outputs = session.run(sample.views());
    milliseconds.push_back(1e3 * running.seconds());
    if (!outputs.ok()) return outputs.status();
    if (Status status = write_all(*outputs, output); !status.ok()) return status;
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
  const Result<std::int64_t> count =
      count_samples(arguments.operands[1], total_bytes(session->inputs()));
  if (!count.ok()) return count.status();
  const InputFile file = open_input(arguments.operands[1]);
  Result<OutputFile> output = OutputFile::create(arguments.operands[2]);
  if (!output.ok()) return output.status();
  const auto milliseconds = run_all(*session, file, *count, *output);
  if (!milliseconds.ok()) return milliseconds.status();
  if (Status status = output->commit(); !status.ok()) return status;
  JsonWriter json;
  json.field("count", *count)
      .field("shape", session->outputs()[0].shape)
      .field("milliseconds", *milliseconds)
      .begin_list("outputs");
  for (const TensorSpec& spec : session->outputs()) {
    json.begin_object();
    json.field("shape", spec.shape).field("dtype", to_string(spec.dtype));
    json.end_object();
  }
  json.end_list();
  return json.finish();
}

}  // namespace hvit_edge
