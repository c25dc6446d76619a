// Its target owns the precompiled header of the tests (cmake/tutti_targets.cmake).
int main() { return 0; }
