// Reads metadata fields from a program's constant methods and collects every fault.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/program.h"

namespace hvit_edge {

/// Returns the constant method that has a field of `method`: the field's own for this method, or
/// the one of all methods.
std::string field_of(const Program& program, const std::string& name, const std::string& method);

class FieldReader {
 public:
  /// Reads the fields of one method; an empty name reads those of all.
  explicit FieldReader(Program& program, std::string method = "")
      : program_(program), method_(std::move(method)) {}

  std::int64_t integer(const std::string& name);
  /// Returns an integer that fits an int.
  int small_integer(const std::string& name);
  double number(const std::string& name);
  std::string text(const std::string& name);
  /// Empty, and no fault, if the field is missing.
  std::string optional_text(const std::string& name);
  std::vector<int> small_integers(const std::string& name, std::size_t count);
  std::vector<double> numbers(const std::string& name, std::size_t count);
  /// Notes a fault if the field is not one tensor of this dtype; self tests read it later.
  void expect_tensor(const std::string& name, DType dtype);
  /// Records a fault if the field is not one tensor of this dtype and shape.
  void expect_tensor(const std::string& name, const TensorSpec& spec);

  /// Returns the values of a float32 tensor of this shape; none, and a fault, if it has another.
  std::vector<float> floats(const std::string& name, const std::vector<std::int64_t>& shape);
  /// Returns true if the program has the field.
  bool has(const std::string& name) const;

  void note(const std::string& fault) { faults_.push_back(fault); }
  std::size_t fault_count() const { return faults_.size(); }
  /// ok() if no fault was noted; otherwise one message that lists all faults.
  Status status() const;

 private:
  std::vector<Constant> values(const std::string& name);
  void release(const std::string& name);
  /// Returns `count` values; `read` converts each to a number or refuses it.
  template <typename Number, typename Read>
  std::vector<Number> exactly(const std::string& name, std::size_t count, const char* kind,
                              const Read& read);

  Program& program_;
  std::string method_;
  std::vector<std::string> faults_;
};

}  // namespace hvit_edge
