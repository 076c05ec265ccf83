// Python for the guest, with the two functions that cpp/qemu/count_instructions.c looks for: QEMU
// knows the symbols of the program that it runs, not those of a library that is loaded later.
extern "C" int Py_BytesMain(int argc, char** argv);

int main(int argc, char** argv) { return Py_BytesMain(argc, argv); }
