// COCO's run-length encoding: the lengths of runs down the columns, the first one outside of the
// mask. Each number is written as its difference from the one before the last, in digits of five
// bits.
#include <algorithm>
#include <cstddef>

#include "guard.h"
#include "hvit_edge/mask.h"
#include "tasks/check_mask.h"

namespace hvit_edge {
namespace {

constexpr int kTile = 64;  // columns that are read at once, in the order of the memory

// Appends a signed number: five bits a letter, the lowest first; the sixth bit says that more
// follow.
void append_number(std::int64_t number, std::string& text) {
  bool more = true;
  while (more) {
    std::int64_t digit = number & 31;
    number >>= 5;
    more = (digit & 16) != 0 ? number != -1 : number != 0;
    if (more) digit |= 32;
    text += static_cast<char>(digit + '0');
  }
}

/// The text of the runs so far.
class RunWriter {
 public:
  void add(bool inside) {
    if (inside != inside_) end_run();
    ++length_;
  }
  std::string finish() {
    end_run();
    return std::move(text_);
  }

 private:
  void end_run() {
    append_number(count_ > 2 ? length_ - before_last_ : length_, text_);
    ++count_;
    before_last_ = last_;
    last_ = length_;
    length_ = 0;
    inside_ = !inside_;
  }

  std::string text_;
  std::int64_t length_ = 0;  // of the run that is being read
  std::int64_t last_ = 0;    // of the run before it
  std::int64_t before_last_ = 0;
  int count_ = 0;
  bool inside_ = false;
};

std::string encode(const Mask& mask, int index) {
  const auto width = static_cast<std::size_t>(mask.width);
  const auto height = static_cast<std::size_t>(mask.height);
  std::vector<std::uint8_t> tile(kTile * height);
  RunWriter writer;
  for (std::size_t left = 0; left < width; left += kTile) {
    const std::size_t columns = std::min<std::size_t>(kTile, width - left);
    for (std::size_t y = 0; y < height; ++y) {
      const std::uint8_t* row = mask.classes.data() + y * width + left;
      for (std::size_t x = 0; x < columns; ++x) tile[x * height + y] = row[x] == index ? 1 : 0;
    }
    for (std::size_t i = 0; i < columns * height; ++i) writer.add(tile[i] != 0);
  }
  return writer.finish();
}

}  // namespace

Result<std::string> run_length(const Mask& mask, int index) {
  return guarded("run_length", [&]() -> Result<std::string> {
    if (Status status = check_mask("run_length", mask); !status.ok()) return status;
    return encode(mask, index);
  });
}

}  // namespace hvit_edge
