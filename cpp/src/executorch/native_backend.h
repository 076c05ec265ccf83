// The ExecuTorch delegate that runs plans of hvit_edge/targets/native.
#pragma once

namespace hvit_edge::native {

/// Registers the backend with ExecuTorch, once.
void register_backend();

}  // namespace hvit_edge::native
