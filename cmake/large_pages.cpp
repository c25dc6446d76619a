// Has mimalloc ask for huge pages, from a program's beginning on (tutti_simulates).
#include <mimalloc.h>

namespace {

struct LargePages {
  LargePages() { mi_option_enable(mi_option_large_os_pages); }
};
const LargePages large_pages;

}  // namespace
