"""Handle inputs and outputs of the task "tensor": arrays, without photos, labels or softmax.

    inputs (samples, or declared)    samples.py, declared.py, sample_file.py
      -> module as a flat function   tensor_module.py
      -> answer of the module        compiler/tensor_subject.py
      -> graphs and programs, gated  compiler/tensor_gate.py, compiler/tensor_programs.py
      -> validation                  parity/validate_tensors.py

Lowering, targets and runtime are the same for all tasks. docs/tensors.md has the design.
"""
