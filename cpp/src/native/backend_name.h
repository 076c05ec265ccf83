// The name of the backend in a program.
#pragma once

namespace hvit_edge::native {

constexpr char kBackendName[] = "HvitEdgeBackend";

}  // namespace hvit_edge::native
