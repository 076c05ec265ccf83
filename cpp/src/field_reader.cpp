#include "field_reader.h"

#include <string_view>

#include "text.h"

namespace hvit_edge {

using executorch::runtime::EValue;

Status FieldReader::status() const {
  if (faults_.empty()) return Status();
  return Status(StatusCode::invalid_artifact,
                "[Session.load] expected the metadata of an hvit-edge artifact, got " +
                    join(faults_, "; ") + "; compile the model again with hvit-edge");
}

std::vector<EValue> FieldReader::values(const std::string& name) {
  if (!program_.has_method(name)) {
    note(name + ": missing");
    return {};
  }
  Result<std::vector<EValue>> values = program_.constant(name);
  if (values.ok()) return std::move(values).value();
  note(name + ": unreadable (" + values.status().message() + ")");
  return {};
}

std::vector<double> FieldReader::exactly(const std::string& name, std::size_t count,
                                         bool integral) {
  std::vector<double> numbers(count, 0.0);
  const std::vector<EValue> found = values(name);
  if (found.empty()) return numbers;  // noted above
  bool right = found.size() == count;
  for (std::size_t i = 0; right && i < count; ++i) {
    if (found[i].isInt()) {
      numbers[i] = static_cast<double>(found[i].toInt());
    } else if (found[i].isDouble() && !integral) {
      numbers[i] = found[i].toDouble();
    } else {
      right = false;
    }
  }
  if (!right) {
    note(concat(name, ": expected ", count, integral ? " integer" : " number",
                count == 1 ? "" : "s", ", got another type or length"));
  }
  program_.release(name);
  return numbers;
}

std::int64_t FieldReader::integer(const std::string& name) { return integers(name, 1)[0]; }

double FieldReader::number(const std::string& name) { return numbers(name, 1)[0]; }

std::vector<std::int64_t> FieldReader::integers(const std::string& name, std::size_t count) {
  const std::vector<double> exact = exactly(name, count, true);
  return std::vector<std::int64_t>(exact.begin(), exact.end());
}

std::vector<double> FieldReader::numbers(const std::string& name, std::size_t count) {
  return exactly(name, count, false);
}

std::string FieldReader::text(const std::string& name) {
  const std::vector<EValue> found = values(name);
  if (found.empty()) return "";  // noted above
  std::string text;
  if (found.size() == 1 && found[0].isString()) {
    const std::string_view view = found[0].toString();
    text.assign(view.begin(), view.end());
  } else {
    note(name + ": expected a string, got another type");
  }
  program_.release(name);
  return text;
}

std::string FieldReader::optional_text(const std::string& name) {
  return program_.has_method(name) ? text(name) : "";
}

void FieldReader::expect_tensor(const std::string& name, DType dtype) {
  const std::vector<EValue> found = values(name);
  if (found.empty()) return;  // noted above
  const bool tensor = found.size() == 1 && found[0].isTensor();
  if (!tensor || view_of(found[0]).dtype != dtype) {
    note(concat(name, ": expected a tensor of ", to_string(dtype), ", got another type"));
  }
  program_.release(name);
}

}  // namespace hvit_edge
