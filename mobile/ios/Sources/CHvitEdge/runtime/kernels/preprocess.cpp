#pragma clang fp contract(off)
#include "image/preprocess.cpp"
