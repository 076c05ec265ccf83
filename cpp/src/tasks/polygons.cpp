// Follows the borders of a class along the edges of its pixels. The class is always to the right
// of the direction, so that a ring around a region is clockwise if y points down.
#include <cstddef>

#include "guard.h"
#include "hvit_edge/mask.h"
#include "tasks/check_mask.h"

namespace hvit_edge {
namespace {

struct Step {
  int x;
  int y;

  Step right() const { return {-y, x}; }
  Step left() const { return {y, -x}; }
  bool operator==(const Step& other) const { return x == other.x && y == other.y; }
};

constexpr Step kAlongTop = {1, 0};

class Tracer {
 public:
  Tracer(const Mask& mask, int index)
      : mask_(mask), index_(index), visited_(mask.classes.size(), false) {}

  std::vector<Ring> run() {
    std::vector<Ring> rings;
    for (int y = 0; y < mask_.height; ++y) {
      for (int x = 0; x < mask_.width; ++x) {
        const bool top = inside(x, y) && !inside(x, y - 1);
        if (top && !visited_[place(x, y)]) rings.push_back(follow({x, y}));
      }
    }
    return rings;
  }

 private:
  std::size_t place(int x, int y) const {
    return static_cast<std::size_t>(y) * mask_.width + static_cast<std::size_t>(x);
  }
  bool inside(int x, int y) const {
    return x >= 0 && y >= 0 && x < mask_.width && y < mask_.height &&
           mask_.classes[place(x, y)] == index_;
  }

  // Returns true if the pixel ahead of a corner, on the side of `across`, is inside.
  bool ahead(const MaskPoint& at, const Step& step, const Step& across) const {
    const int x = at.x + (step.x + across.x - 1) / 2;
    const int y = at.y + (step.y + across.y - 1) / 2;
    return inside(x, y);
  }

  // Follows a border from the left end of a pixel's upper edge, until it is there again.
  Ring follow(const MaskPoint& start) {
    Ring ring = {start};
    MaskPoint at = start;
    Step step = kAlongTop;
    for (;;) {
      if (step == kAlongTop) visited_[place(at.x, at.y)] = true;
      at = {at.x + step.x, at.y + step.y};
      Step next = step;
      if (!ahead(at, step, step.right())) {
        next = step.right();
      } else if (ahead(at, step, step.left())) {
        next = step.left();
      }
      const bool closed = at.x == start.x && at.y == start.y && next == kAlongTop;
      if (closed) return ring;
      if (!(next == step)) ring.push_back(at);
      step = next;
    }
  }

  const Mask& mask_;
  int index_;
  std::vector<bool> visited_;  // pixels whose upper edge is in a ring
};

}  // namespace

Result<std::vector<Ring>> polygons(const Mask& mask, int index) {
  return guarded("polygons", [&]() -> Result<std::vector<Ring>> {
    if (Status status = check_mask("polygons", mask); !status.ok()) return status;
    return Tracer(mask, index).run();
  });
}

}  // namespace hvit_edge
