#pragma clang fp contract(off)
#include "image/resample.cpp"
