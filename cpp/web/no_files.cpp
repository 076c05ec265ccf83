// A page has no files: artifacts are opened from memory.
#include <utility>

#include "artifact/mapped_file.h"

namespace hvit_edge {

Result<MappedFile> MappedFile::open(const std::string& path) {
  return Status(StatusCode::invalid_argument,
                "[Session.load] expected the bytes of an artifact, got the path " + path +
                    ", and this runtime reads no files; pass bytes");
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() = default;

}  // namespace hvit_edge
