/* What test_c_api_header.c offers to the tests in C++. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/* What did not hold; "" if all did. */
const char* use_header_from_c(const char* artifact);

#ifdef __cplusplus
}
#endif
