// Writes one JSON object on one line. Numbers that JSON cannot hold become null.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

namespace hvit_edge {

/// Writes fields in the order in which they are added. It does not validate: begin and end must
/// match.
class JsonWriter {
 public:
  JsonWriter() { open('{'); }

  template <typename T>
  JsonWriter& field(const char* name, const T& value) {
    key(name);
    add(value);
    return *this;
  }

  /// Begins a field that is a list of objects: call begin_list, then begin_object and end_object
  /// for each, then end_list.
  void begin_list(const char* name);
  void begin_object();
  void end_object() { close('}'); }
  void end_list() { close(']'); }

  /// Returns the object; nothing may be added afterwards.
  std::string finish();

 private:
  void open(char bracket);
  void close(char bracket);
  void separate();
  void key(const char* name);

  void add(bool value) { text_ += value ? "true" : "false"; }
  void add(float value);
  void add(double value);
  void add(const char* value) { add(std::string(value)); }
  void add(const std::string& value);
  template <typename T, typename = std::enable_if_t<std::is_integral_v<T>>>
  void add(T value) {
    text_ += std::to_string(value);
  }
  template <typename T>
  void add(const std::vector<T>& values) {
    open('[');
    for (const T& value : values) {
      separate();
      add(value);
    }
    close(']');
  }

  std::string text_;
  bool first_ = true;  // nothing in the innermost brackets yet
};

}  // namespace hvit_edge
