#include "artifact/field_reader.h"

#include <cstring>
#include <limits>
#include <string_view>

#include "text.h"

namespace hvit_edge {

namespace {

bool read_integer(const Constant& value, std::int64_t& number) {
  const auto* integer = std::get_if<std::int64_t>(&value);
  if (integer == nullptr) return false;
  number = *integer;
  return true;
}

}  // namespace

std::string field_of(const Program& program, const std::string& name, const std::string& method) {
  if (method.empty()) return name;
  const std::string own = concat(name, "@", method);
  return program.has_method(own) ? own : name;
}

Status FieldReader::status() const {
  if (faults_.empty()) return Status();
  return Status(StatusCode::invalid_artifact,
                "[Session.load] expected the metadata of an hvit-edge artifact, got " +
                    join(faults_, "; ") + "; compile the model again with hvit-edge");
}

std::vector<Constant> FieldReader::values(const std::string& field) {
  const std::string name = field_of(program_, field, method_);
  if (!program_.has_method(name)) {
    note(name + ": missing");
    return {};
  }
  Result<std::vector<Constant>> values = program_.constant(name);
  if (values.ok()) return std::move(values).value();
  note(name + ": unreadable (" + values.status().message() + ")");
  return {};
}

template <typename Number, typename Read>
std::vector<Number> FieldReader::exactly(const std::string& name, std::size_t count,
                                         const char* kind, const Read& read) {
  std::vector<Number> numbers(count, Number{});
  const std::vector<Constant> found = values(name);
  if (found.empty()) return numbers;  // recorded above
  bool right = found.size() == count;
  for (std::size_t i = 0; right && i < count; ++i) right = read(found[i], numbers[i]);
  if (!right) {
    note(concat(name, ": expected ", count, " ", kind, count == 1 ? "" : "s",
                ", got another type or length"));
  }
  release(name);
  return numbers;
}

std::int64_t FieldReader::integer(const std::string& name) {
  return exactly<std::int64_t>(name, 1, "integer", read_integer)[0];
}

int FieldReader::small_integer(const std::string& name) { return small_integers(name, 1)[0]; }

double FieldReader::number(const std::string& name) { return numbers(name, 1)[0]; }

std::vector<int> FieldReader::small_integers(const std::string& name, std::size_t count) {
  std::vector<int> numbers;
  for (const std::int64_t whole : exactly<std::int64_t>(name, count, "integer", read_integer)) {
    const bool fits =
        whole >= std::numeric_limits<int>::min() && whole <= std::numeric_limits<int>::max();
    if (!fits) note(concat(name, ": expected an integer of 32 bits, got ", whole));
    numbers.push_back(fits ? static_cast<int>(whole) : 0);
  }
  return numbers;
}

std::vector<double> FieldReader::numbers(const std::string& name, std::size_t count) {
  return exactly<double>(name, count, "number", [](const Constant& value, double& number) {
    const auto* real = std::get_if<double>(&value);
    const auto* integer = std::get_if<std::int64_t>(&value);
    if (real != nullptr) number = *real;
    if (integer != nullptr) number = static_cast<double>(*integer);
    return real != nullptr || integer != nullptr;
  });
}

std::string FieldReader::text(const std::string& name) {
  const std::vector<Constant> found = values(name);
  if (found.empty()) return "";  // recorded above
  std::string text;
  const auto* view = std::get_if<std::string_view>(&found[0]);
  if (found.size() == 1 && view != nullptr) {
    text.assign(view->begin(), view->end());
  } else {
    note(name + ": expected a string, got another type");
  }
  release(name);
  return text;
}

std::string FieldReader::optional_text(const std::string& name) {
  return has(name) ? text(name) : "";
}

bool FieldReader::has(const std::string& name) const {
  return program_.has_method(field_of(program_, name, method_));
}

void FieldReader::release(const std::string& name) {
  program_.release(field_of(program_, name, method_));
}

void FieldReader::expect_tensor(const std::string& name, const TensorSpec& spec) {
  const std::size_t before = fault_count();
  expect_tensor(name, spec.dtype);
  if (fault_count() != before) return;
  const std::vector<Constant> found = values(name);
  if (!found.empty() && view_of(found[0]).shape != spec.shape) {
    note(concat(name, ": expected the shape of forward's, ", to_string(spec.shape), ", got ",
                to_string(view_of(found[0]).shape)));
  }
  release(name);
}

std::vector<float> FieldReader::floats(const std::string& name,
                                       const std::vector<std::int64_t>& shape) {
  const std::size_t before = fault_count();
  expect_tensor(name, DType::float32);
  if (fault_count() != before) return {};
  const std::vector<Constant> found = values(name);
  if (found.empty()) return {};  // recorded above
  const TensorView view = view_of(found[0]);
  std::vector<float> numbers;
  if (view.shape == shape) {
    numbers.resize(static_cast<std::size_t>(view.numel()));
    std::memcpy(numbers.data(), view.data, numbers.size() * sizeof(float));
  } else {
    note(concat(name, ": expected the shape ", to_string(shape), ", got ", to_string(view.shape)));
  }
  release(name);
  return numbers;
}

void FieldReader::expect_tensor(const std::string& name, DType dtype) {
  const std::vector<Constant> found = values(name);
  if (found.empty()) return;  // recorded above
  const bool tensor = found.size() == 1 && std::holds_alternative<TensorView>(found[0]);
  if (!tensor || view_of(found[0]).dtype != dtype) {
    note(concat(name, ": expected a tensor of ", to_string(dtype), ", got another type"));
  } else if (view_of(found[0]).data == nullptr) {
    note(name + ": expected a tensor with values, got none");
  }
  release(name);
}

}  // namespace hvit_edge
