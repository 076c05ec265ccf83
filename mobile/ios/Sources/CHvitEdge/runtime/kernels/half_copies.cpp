#pragma clang fp contract(fast)
#include "native/half_copies.cpp"
