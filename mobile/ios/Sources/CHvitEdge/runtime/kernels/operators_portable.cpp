#pragma clang fp contract(fast)
#include "native/operators_portable.cpp"
