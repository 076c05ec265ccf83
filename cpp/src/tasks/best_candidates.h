// Finds the best pairs of a class and an anchor in the logits of a detector.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hvit_edge {

/// A class of an anchor. `place` is class x anchors + anchor, so that of equal scores that of the
/// lower class and then of the earlier anchor is first.
struct Candidate {
  float score = 0;
  std::uint32_t place = 0;

  bool operator<(const Candidate& other) const {
    return score != other.score ? score > other.score : place < other.place;
  }
};

/// Allocates only in the constructor.
class BestCandidates {
 public:
  /// `classes` includes the background, class 0, which is no candidate.
  BestCandidates(std::size_t anchors, int classes);

  /// Finds the `most` candidates with the best scores above the threshold, the best first. `logits`
  /// is [anchors, classes]. Returns true if there are no others. It takes the anchors in the order
  /// of the bounds of their scores, and no exponential function for those that cannot be among the
  /// best.
  bool find(const float* logits, double threshold, std::size_t most);

  const std::vector<Candidate>& found() const { return found_; }
  /// Returns the number of all candidates.
  std::size_t all() const { return anchors_ * static_cast<std::size_t>(classes_ - 1); }

 private:
  struct Bound {
    float score;
    std::uint32_t anchor;

    bool operator<(const Bound& other) const { return score < other.score; }
  };

  void bound(const float* logits, double threshold);
  void add(const float* logits, std::size_t anchor, double threshold);
  void drop_all_but(std::size_t most);

  std::size_t anchors_;
  int classes_;
  float least_ = 0;            // what is below it is not among the best
  std::vector<Bound> bounds_;  // a heap
  std::vector<float> shares_;  // of one anchor
  std::vector<Candidate> found_;
};

}  // namespace hvit_edge
