#include "tasks/mask_maker.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace hvit_edge {
namespace {

// Shorter runs do not pay for a look at all classes first.
constexpr int kShortRun = 4;

// A class whose logit is so much below the largest one adds less than 1e-9 to the sum.
constexpr float kNegligible = 21;

}  // namespace

// Copies one row of cells, in the frame's orientation.
void MaskMaker::gather(const LogitMap& logits, bool swapped, int index,
                       std::vector<float>& row) const {
  const std::size_t plane = static_cast<std::size_t>(logits.height) * logits.width;
  const std::size_t step = swapped ? logits.width : 1;
  const std::size_t start = static_cast<std::size_t>(index) * (swapped ? 1 : logits.width);
  const int cells = swapped ? logits.height : logits.width;
  for (int c = 0; c < classes_; ++c) {
    const float* from = logits.values + static_cast<std::size_t>(c) * plane + start;
    float* to = row.data() + c;
    for (int cell = 0; cell < cells; ++cell, from += step, to += classes_) *to = *from;
  }
}

void MaskMaker::blend(float weight) {
  const float* upper = upper_.data();
  const float* lower = lower_.data();
  float* blended = blended_.data();
  const std::size_t count = blended_.size();
  for (std::size_t i = 0; i < count; ++i) {
    blended[i] = upper[i] + weight * (lower[i] - upper[i]);
  }
}

// Leaves out the classes that are more than `margin` below another one in both cells, and so in
// between.
Contenders MaskMaker::contend(const CellRun& run, float margin) {
  const float* first = blended_.data() + static_cast<std::size_t>(run.first) * classes_;
  const float* second = blended_.data() + static_cast<std::size_t>(run.second) * classes_;
  float least = std::min(first[0], second[0]);
  for (int c = 1; c < classes_; ++c) least = std::max(least, std::min(first[c], second[c]));
  int count = 0;
  for (int c = 0; c < classes_; ++c) {
    if (std::max(first[c], second[c]) < least - margin) continue;
    values_[count] = first[c];
    steps_[count] = second[c] - first[c];
    indices_[count] = static_cast<std::uint8_t>(c);
    ++count;
  }
  return {values_.data(), steps_.data(), indices_.data(), count};
}

void MaskMaker::fill_short(const CellRun& run, std::uint8_t* classes) const {
  const float* first = blended_.data() + static_cast<std::size_t>(run.first) * classes_;
  const float* second = blended_.data() + static_cast<std::size_t>(run.second) * classes_;
  for (int x = run.begin; x < run.end; ++x) {
    const float weight = columns_.weights()[x];
    int best = 0;
    float most = first[0] + weight * (second[0] - first[0]);
    for (int c = 1; c < classes_; ++c) {
      const float value = first[c] + weight * (second[c] - first[c]);
      best = value > most ? c : best;
      most = std::max(most, value);
    }
    classes[x] = static_cast<std::uint8_t>(best);
  }
}

void MaskMaker::fill_row(std::uint8_t* classes) {
  for (const CellRun& run : columns_.runs()) {
    const int pixels = run.end - run.begin;
    if (pixels < kShortRun) {
      fill_short(run, classes);
      continue;
    }
    const Contenders contenders = contend(run, 0);
    if (contenders.count == 1) {
      std::memset(classes + run.begin, contenders.classes[0], static_cast<std::size_t>(pixels));
    } else {
      kernels_.largest(contenders, columns_.weights() + run.begin, pixels, classes + run.begin);
    }
  }
}

// The softmax of the largest class is 1 / sum of exp(value - largest value).
void MaskMaker::fill_confidence(const std::uint8_t* classes, float* confidence) {
  for (const CellRun& run : columns_.runs()) {
    const float* first = blended_.data() + static_cast<std::size_t>(run.first) * classes_;
    const float* second = blended_.data() + static_cast<std::size_t>(run.second) * classes_;
    const Contenders near = contend(run, kNegligible);
    for (int x = run.begin; x < run.end; ++x) {
      const float weight = columns_.weights()[x];
      const float most = first[classes[x]] + weight * (second[classes[x]] - first[classes[x]]);
      float sum = 0;
      for (int i = 0; i < near.count; ++i) {
        sum += std::exp(near.values[i] + weight * near.steps[i] - most);
      }
      confidence[x] = 1 / sum;
    }
  }
}

void MaskMaker::run(const LogitMap& logits, const Placement& placement, bool confidence,
                    Mask& mask) {
  const bool swapped = placement.swapped;
  columns_.prepare(placement.columns, swapped ? logits.height : logits.width);
  rows_.prepare(placement.rows, swapped ? logits.width : logits.height);
  classes_ = logits.classes;
  const int cells = swapped ? logits.height : logits.width;
  for (std::vector<float>* row : {&upper_, &lower_, &blended_}) {
    row->resize(static_cast<std::size_t>(cells) * classes_);
  }
  for (std::vector<float>* list : {&values_, &steps_}) list->resize(logits.classes);
  indices_.resize(logits.classes);
  mask.width = placement.columns.crop.source;
  mask.height = placement.rows.crop.source;
  const auto width = static_cast<std::size_t>(mask.width);
  const std::size_t pixels = width * static_cast<std::size_t>(mask.height);
  mask.classes.assign(pixels, 0);
  mask.confidence.assign(confidence ? pixels : 0, 0.0F);
  for (const CellRun& run : rows_.runs()) {
    gather(logits, swapped, run.first, upper_);
    gather(logits, swapped, run.second, lower_);
    for (int y = run.begin; y < run.end; ++y) {
      blend(rows_.weights()[y]);
      std::uint8_t* classes = mask.classes.data() + static_cast<std::size_t>(y) * width;
      fill_row(classes);
      if (confidence) {
        fill_confidence(classes, mask.confidence.data() + static_cast<std::size_t>(y) * width);
      }
    }
  }
}

}  // namespace hvit_edge
