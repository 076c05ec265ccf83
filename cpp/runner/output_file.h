// A file that appears completely or not at all.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>

#include "hvit_edge/status.h"

namespace hvit_edge {

/// Writes to `path`.part; commit() renames it to `path`. Without commit, the part is removed.
class OutputFile {
 public:
  static Result<OutputFile> create(const std::string& path);

  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&& other) = delete;
  ~OutputFile();

  Status write(const void* data, std::size_t size);
  Status commit();

 private:
  OutputFile(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}
  std::string part() const { return path_ + ".part"; }

  std::string path_;
  std::FILE* file_ = nullptr;
};

}  // namespace hvit_edge
