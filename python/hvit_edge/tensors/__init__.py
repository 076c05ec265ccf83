"""Artifacts of the task "tensor": arrays in, arrays out, without photos, labels or softmax.

    inputs (samples, or declared)    samples.py, declared.py, sample_file.py
      -> module as a flat function   tensor_module.py
      -> its own answer              tensor_subject.py
      -> graphs and programs, gated  tensor_gate.py, compile_tensors.py
      -> validation                  validate_tensors.py

The lowering, the targets and the runtime are those of every task; docs/tensors.md has the design.
"""
