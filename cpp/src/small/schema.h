// The fields of ExecuTorch's schema that are read, as indices in their tables: program.fbs of
// ExecuTorch 1.5. Fields are only ever appended to a table of the schema.
#pragma once

namespace hvit_edge::small::schema {

struct Program {
  enum Field {
    methods = 1,
    constants = 2,
    delegate_data = 3,
    segments = 4,
    constant_segment = 5,
    named_data = 7
  };
};
struct Buffer {
  enum Field { storage };
};
struct DelegateData {
  enum Field { data };
};
struct DataSegment {
  enum Field { offset, size };
};
struct SubsegmentOffsets {
  enum Field { segment, offsets };
};
struct NamedData {
  enum Field { key, segment };
};
struct Method {
  enum Field {
    name = 0,
    values = 2,
    inputs = 3,
    outputs = 4,
    chains = 5,
    operators = 6,
    delegates = 7,
    planned = 8
  };
};
struct Chain {
  enum Field { instructions = 2 };
};
// A union takes two fields: the kind of its value, and the value.
struct Instruction {
  enum Field { kind, call };
};
enum class Call { kernel = 1, delegate = 2 };
struct AnyCall {
  enum Field { callee, arguments };  // of kernels and delegates
};
struct Operator {
  enum Field { name, overload };
};
struct Delegate {
  enum Field { backend, data };
};
struct DelegateReference {
  enum Field { location, index };
};
struct Value {
  enum Field { kind, value };
};
enum class Kind { integer = 2, real = 4, tensor = 5, text = 6 };
struct Scalar {
  enum Field { value };  // of integers, reals and texts
};
struct Tensor {
  enum Field {
    dtype = 0,
    storage_offset = 1,
    sizes = 2,
    dim_order = 3,
    constant = 5,
    allocation = 6,
    dynamism = 8,
    extra = 9
  };
};
struct Allocation {
  enum Field { memory, offset_low, offset_high };
};

}  // namespace hvit_edge::small::schema
