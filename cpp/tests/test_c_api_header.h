/* The function of test_c_api_header.c that C++ tests call. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/* Returns what did not hold; "" if everything did. */
const char* use_header_from_c(const char* artifact);

#ifdef __cplusplus
}
#endif
