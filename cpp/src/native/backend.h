// The delegate of ExecuTorch that runs plans of hvit_edge/targets/native.
#pragma once

namespace hvit_edge::native {

/// Makes the backend known to ExecuTorch, once.
void register_backend();

}  // namespace hvit_edge::native
