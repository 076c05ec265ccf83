#include "artifact/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "text.h"

namespace hvit_edge {
namespace {

Status refuse(StatusCode code, const std::string& message) {
  return Status(code, "[Session.load] " + message);
}

// Opens without waiting: a pipe without a writer is refused below like any other pipe.
class Descriptor {
 public:
  explicit Descriptor(const std::string& path)
      : value_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int value() const { return value_; }

 private:
  int value_;
};

Status explain_open(const std::string& path, int error) {
  if (error == ENOENT || error == ENOTDIR) {
    return refuse(StatusCode::invalid_argument,
                  "expected an artifact, got no such file: " + path + "; check the path");
  }
  if (error == ENOMEM) {
    return refuse(StatusCode::out_of_memory,
                  concat("expected enough memory for ", path,
                         ", got none; close other applications or take a smaller model"));
  }
  return refuse(StatusCode::invalid_argument,
                concat("expected a readable artifact, got ", path, " (", std::strerror(error),
                       "); check the path and its permissions"));
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  const Descriptor file(path);
  if (file.value() < 0) return explain_open(path, errno);
  struct stat facts{};
  if (::fstat(file.value(), &facts) != 0) return explain_open(path, errno);
  if (S_ISDIR(facts.st_mode)) {
    return refuse(StatusCode::invalid_argument, "expected an artifact file, got the directory " +
                                                    path + "; pass the .pte file inside");
  }
  if (!S_ISREG(facts.st_mode)) {
    return refuse(StatusCode::invalid_argument,
                  "expected a regular file, got " + path + "; copy the artifact to a file first");
  }
  if (facts.st_size == 0) {
    return refuse(StatusCode::invalid_artifact, "expected an artifact, got the empty file " + path +
                                                    "; copy or compile it again");
  }
  const auto size = static_cast<std::size_t>(facts.st_size);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.value(), 0);
  if (data == MAP_FAILED) return explain_open(path, errno);
  return MappedFile(data, size);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace hvit_edge
