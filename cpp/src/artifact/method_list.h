// Parses the list of methods in an artifact's metadata.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "hvit_edge/metadata.h"
#include "hvit_edge/status.h"

namespace hvit_edge {

/// Parses lines name<TAB>batch<TAB>height<TAB>width, and returns what is wrong; empty if nothing
/// is.
std::string parse_methods(const std::string& text, std::vector<MethodInfo>& methods);

/// Returns the method of this name, or a refusal that names all and the closest one. `where` is
/// "Session.select".
Result<std::size_t> find_method(const std::vector<MethodInfo>& methods, const std::string& name,
                                const std::string& where);

}  // namespace hvit_edge
