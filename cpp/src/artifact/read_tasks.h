// Reads the fields of the tasks that map a photo to something else than classes.
#pragma once

#include <string>
#include <vector>

#include "artifact/field_reader.h"
#include "hvit_edge/metadata.h"

namespace hvit_edge {

/// Returns the index of a field's value among those allowed; any other value is a fault, and 0.
int choice(FieldReader& reader, const std::string& name, const std::vector<std::string>& allowed);

/// Reads one line of `field` for each tensor. Names must be unique.
void read_names(FieldReader& reader, const std::string& field, std::vector<TensorSpec>& specs);

/// Returns true for the tasks embed, segment and detect.
bool has_task_fields(const std::string& task);

/// Reads the fields that only the metadata's task has, names the program's outputs, and notes a
/// fault for each output of another form than the task's.
void read_task(FieldReader& reader, Program& program, Metadata& metadata);

}  // namespace hvit_edge
