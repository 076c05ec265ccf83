#include "small/read_method.h"

#include "small/schema.h"

namespace hvit_edge::small {
namespace {

// The numbers of ScalarType in ExecuTorch's scalar_type.fbs.
DType dtype_of(std::int8_t number) {
  switch (number) {
    case 0:
      return DType::uint8;
    case 1:
      return DType::int8;
    case 2:
      return DType::int16;
    case 3:
      return DType::int32;
    case 4:
      return DType::int64;
    case 5:
      return DType::float16;
    case 6:
      return DType::float32;
    case 7:
      return DType::float64;
    case 11:
      return DType::boolean;
    default:
      return DType::other;
  }
}

bool counts_up(const std::vector<std::uint8_t>& order) {
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (order[i] != i) return false;
  }
  return true;
}

StoredTensor read_tensor(const FlatTable& table) {
  StoredTensor tensor;
  tensor.spec.dtype = dtype_of(table.number<std::int8_t>(schema::Tensor::dtype));
  for (const std::int32_t size : table.numbers<std::int32_t>(schema::Tensor::sizes)) {
    tensor.spec.shape.push_back(size);
  }
  const auto order = table.numbers<std::uint8_t>(schema::Tensor::dim_order);
  tensor.constant = table.number<std::uint32_t>(schema::Tensor::constant);
  tensor.is_plain = counts_up(order) && order.size() == tensor.spec.shape.size() &&
                    table.number<std::int32_t>(schema::Tensor::storage_offset) == 0 &&
                    table.number<std::int8_t>(schema::Tensor::dynamism) == 0 &&
                    !table.has(schema::Tensor::extra);
  const FlatTable allocation = table.table(schema::Tensor::allocation);
  if (!allocation) return tensor;
  tensor.is_planned = true;
  tensor.is_plain = tensor.is_plain && tensor.constant == 0;  // or it has an initial value
  tensor.memory = allocation.number<std::uint32_t>(schema::Allocation::memory);
  const std::uint64_t low = allocation.number<std::uint32_t>(schema::Allocation::offset_low);
  const std::uint64_t high = allocation.number<std::uint32_t>(schema::Allocation::offset_high);
  tensor.offset = high << 32 | low;
  return tensor;
}

StoredValue read_value(const FlatTable& table) {
  const auto kind = static_cast<schema::Kind>(table.number<std::uint8_t>(schema::Value::kind));
  switch (kind) {
    case schema::Kind::integer:
      return table.table(schema::Value::value).number<std::int64_t>(schema::Scalar::value);
    case schema::Kind::real:
      return table.table(schema::Value::value).number<double>(schema::Scalar::value);
    case schema::Kind::text:
      return table.table(schema::Value::value).text(schema::Scalar::value);
    case schema::Kind::tensor:
      return read_tensor(table.table(schema::Value::value));
  }
  return {};
}

Instruction read_instruction(const FlatTable& table) {
  const auto kind =
      static_cast<schema::Call>(table.number<std::uint8_t>(schema::Instruction::kind));
  Instruction instruction;
  if (kind != schema::Call::kernel && kind != schema::Call::delegate) return instruction;
  const FlatTable call = table.table(schema::Instruction::call);
  instruction.callee = kind == schema::Call::kernel ? Callee::kernel : Callee::delegate;
  instruction.index = call.number<std::int32_t>(schema::AnyCall::callee);
  instruction.arguments = call.numbers<std::int32_t>(schema::AnyCall::arguments);
  return instruction;
}

std::string operator_name(const FlatTable& table) {
  std::string name(table.text(schema::Operator::name));
  const std::string_view overload = table.text(schema::Operator::overload);
  if (!overload.empty()) name.append(".").append(overload);
  return name;
}

Delegate read_delegate(const FlatTable& table, const FindData& find_data) {
  Delegate delegate;
  delegate.backend = table.text(schema::Delegate::backend);
  const FlatTable reference = table.table(schema::Delegate::data);
  delegate.data = find_data(reference.number<std::int8_t>(schema::DelegateReference::location) != 0,
                            reference.number<std::uint32_t>(schema::DelegateReference::index));
  return delegate;
}

}  // namespace

Method read_method(FlatBuffer& buffer, const FlatTable& table, const FindData& find_data) {
  Method method;
  method.name = table.text(schema::Method::name);
  buffer.require(!method.name.empty(), "a method without a name");
  for (const FlatTable& value : table.tables(schema::Method::values)) {
    method.values.push_back(read_value(value));
  }
  method.inputs = table.numbers<std::int32_t>(schema::Method::inputs);
  method.outputs = table.numbers<std::int32_t>(schema::Method::outputs);
  for (const FlatTable& chain : table.tables(schema::Method::chains)) {
    for (const FlatTable& one : chain.tables(schema::Chain::instructions)) {
      method.instructions.push_back(read_instruction(one));
    }
  }
  for (const FlatTable& one : table.tables(schema::Method::operators)) {
    method.operators.push_back(operator_name(one));
  }
  for (const FlatTable& one : table.tables(schema::Method::delegates)) {
    method.delegates.push_back(read_delegate(one, find_data));
  }
  method.planned = table.numbers<std::int64_t>(schema::Method::planned);
  // The first buffer stands for constants, which have memory of their own.
  if (!method.planned.empty()) method.planned.erase(method.planned.begin());
  return method;
}

}  // namespace hvit_edge::small
