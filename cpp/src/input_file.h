// Files of C. Streams of C++ would bring locales into a static program, a quarter of its size.
#pragma once

#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>

namespace hvit_edge {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using InputFile = std::unique_ptr<std::FILE, CloseFile>;

/// Returns the open file, or null with the reason in errno.
inline InputFile open_input(const std::string& path) {
  return InputFile(std::fopen(path.c_str(), "rb"));
}

/// Returns false if the file is not open, cannot be read, or ends before `size` bytes.
inline bool read_exactly(const InputFile& file, void* to, std::size_t size) {
  return file != nullptr && std::fread(to, 1, size, file.get()) == size;
}

/// Reads a line without its line break into `line`; returns false at the end of the file.
inline bool read_line(const InputFile& file, std::string& line) {
  line.clear();
  int next = file == nullptr ? EOF : std::fgetc(file.get());
  const bool some = next != EOF;
  for (; next != EOF && next != '\n'; next = std::fgetc(file.get())) {
    line += static_cast<char>(next);
  }
  return some;
}

}  // namespace hvit_edge
