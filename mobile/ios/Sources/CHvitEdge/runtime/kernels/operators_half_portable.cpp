#pragma clang fp contract(fast)
#include "native/operators_half_portable.cpp"
