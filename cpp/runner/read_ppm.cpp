#include "read_ppm.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "input_file.h"
#include "text.h"

namespace hvit_edge {
namespace {

constexpr std::uint64_t kMaxPixels = std::uint64_t{1} << 28;
constexpr std::uint64_t kMaxSide = std::uint64_t{1} << 20;
// Leaves room for a header with long comments.
constexpr std::uint64_t kMaxFileSize = 3 * kMaxPixels + (std::uint64_t{1} << 16);

Status refuse(const std::string& name, const std::string& fault) {
  return Status(StatusCode::invalid_argument,
                concat("[read_ppm] ", name, ": ", fault,
                       "; save the photo as PPM (P6) with 8 bits a channel"));
}

bool is_space(std::uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

// Reads the header's numbers, one after another.
class HeaderReader {
 public:
  HeaderReader(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

  // Skips what is allowed between two numbers, then reads one; returns false if there is none.
  bool number(std::uint64_t& value) {
    skip_spaces_and_comments();
    const std::size_t start = position_;
    value = 0;
    while (position_ < size_ && data_[position_] >= '0' && data_[position_] <= '9') {
      if (position_ - start > 9) return false;
      value = 10 * value + (data_[position_++] - '0');
    }
    return position_ > start;
  }

  // Skips the single white space after the last number.
  bool end() { return position_ < size_ && is_space(data_[position_++]); }

  std::size_t position() const { return position_; }

 private:
  void skip_spaces_and_comments() {
    while (position_ < size_ && (is_space(data_[position_]) || data_[position_] == '#')) {
      if (data_[position_] == '#') {
        while (position_ < size_ && data_[position_] != '\n' && data_[position_] != '\r') {
          ++position_;
        }
      } else {
        ++position_;
      }
    }
  }

  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t position_ = 2;  // after the magic number
};

}  // namespace

ImageView PpmPhoto::view() const {
  ImageView image;
  image.data = pixels.data();
  image.width = width;
  image.height = height;
  return image;
}

Result<PpmPhoto> parse_ppm(const std::uint8_t* data, std::size_t size, const std::string& name) {
  if (size < 3 || data[0] != 'P' || data[1] != '6' || !(is_space(data[2]) || data[2] == '#')) {
    return refuse(name, "expected a file that begins with P6, got another");
  }
  HeaderReader header(data, size);
  std::uint64_t width = 0;
  std::uint64_t height = 0;
  std::uint64_t most = 0;
  if (!header.number(width) || !header.number(height) || !header.number(most) || !header.end()) {
    return refuse(name, "expected width, height and 255 in the header, got a damaged one");
  }
  if (most != 255) return refuse(name, concat("expected the maximum 255, got ", most));
  if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide ||
      width * height > kMaxPixels) {
    return refuse(name, concat("expected sides of 1 to ", kMaxSide, " and at most ", kMaxPixels,
                               " pixels, got ", width, " x ", height));
  }
  const std::uint64_t wanted = 3 * width * height;
  const std::uint64_t given = size - header.position();
  if (given != wanted) {
    return refuse(name, concat("expected ", wanted, " bytes of pixels (", width, " x ", height,
                               "), got ", given));
  }
  const std::uint8_t* first = data + header.position();
  return PpmPhoto{static_cast<int>(width), static_cast<int>(height), {first, first + wanted}};
}

Result<PpmPhoto> read_ppm(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return refuse(path, error ? "expected a photo, got " + error.message()
                              : "expected a regular file, got a directory or device");
  }
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) return refuse(path, "expected a photo, got " + error.message());
  if (size > kMaxFileSize) {
    return refuse(path, concat("expected at most ", kMaxFileSize, " bytes, got ", size));
  }
  const InputFile file = open_input(path);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size));
  if (!read_exactly(file, bytes.data(), bytes.size())) {
    return refuse(path, concat("expected a readable photo, got ", std::strerror(errno)));
  }
  return parse_ppm(bytes.data(), bytes.size(), path);
}

}  // namespace hvit_edge
