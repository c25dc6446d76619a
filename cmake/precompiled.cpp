// Compiled by the targets that own the precompiled headers (tutti_targets.cmake); linked to
// nothing.
int main() { return 0; }
