// Photos as binary PPM (P6), which need no decoder.
#pragma once

#include <cstddef>
#include <fstream>
#include <string>
#include <vector>

// Reads binary PPM with 8 bits a channel and no comments; there are no pixels for anything else.
struct Ppm {
  explicit Ppm(const char* path) {
    std::ifstream file(path, std::ios::binary);
    std::string magic;
    int depth = 0;
    file >> magic >> width >> height >> depth;
    file.get();
    if (!file || magic != "P6" || depth != 255 || width < 1 || height < 1) return;
    std::vector<unsigned char> bytes(std::size_t{3} * width * height);
    if (file.read(reinterpret_cast<char*>(bytes.data()), bytes.size())) pixels.swap(bytes);
  }

  bool write(const char* path) const {
    std::ofstream file(path, std::ios::binary);
    file << "P6\n" << width << " " << height << "\n255\n";
    file.write(reinterpret_cast<const char*>(pixels.data()), pixels.size());
    return static_cast<bool>(file.flush());
  }

  int width = 0;
  int height = 0;
  std::vector<unsigned char> pixels;
};
