#include "output_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "text.h"

namespace hvit_edge {
namespace {

Status refuse(StatusCode code, const std::string& path, const std::string& reason) {
  return Status(code, concat("[write] ", path, ": expected to write the file, got ", reason,
                             "; check the folder, its permissions and the free space"));
}

}  // namespace

Result<OutputFile> OutputFile::create(const std::string& path) {
  std::error_code error;
  const auto kind = std::filesystem::status(path, error).type();
  // Renaming to the name of a device would replace the device.
  if (kind != std::filesystem::file_type::not_found &&
      kind != std::filesystem::file_type::regular) {
    return refuse(StatusCode::invalid_argument, path,
                  error ? error.message() : "a directory or device of this name");
  }
  std::FILE* file = std::fopen((path + ".part").c_str(), "wb");
  if (file == nullptr) return refuse(StatusCode::invalid_argument, path, std::strerror(errno));
  return OutputFile(path, file);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)), file_(std::exchange(other.file_, nullptr)) {}

OutputFile::~OutputFile() {
  if (file_ == nullptr) return;
  std::fclose(file_);
  std::remove(part().c_str());
}

Status OutputFile::write(const void* data, std::size_t size) {
  if (std::fwrite(data, 1, size, file_) == size) return Status();
  return refuse(StatusCode::internal, path_, std::strerror(errno));
}

Status OutputFile::commit() {
  // Data that is still buffered may meet a full disk only here.
  const bool written = std::fclose(std::exchange(file_, nullptr)) == 0;
  if (written && std::rename(part().c_str(), path_.c_str()) == 0) return Status();
  const std::string reason = std::strerror(errno);
  std::remove(part().c_str());
  return refuse(StatusCode::internal, path_, reason);
}

}  // namespace hvit_edge
