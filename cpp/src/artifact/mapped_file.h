// A file mapped read-only into memory.
#pragma once

#include <cstddef>
#include <string>

#include "hvit_edge/status.h"

namespace hvit_edge {

class MappedFile {
 public:
  /// Refuses missing files, directories and empty files, each with its own message.
  static Result<MappedFile> open(const std::string& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  const void* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  MappedFile(void* data, std::size_t size) : data_(data), size_(size) {}

  void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace hvit_edge
