#ifndef SCOUTLIGHT_THIRD_PARTY_SANITIZERS_ORIGINAL_H_
#define SCOUTLIGHT_THIRD_PARTY_SANITIZERS_ORIGINAL_H_

#include <dlfcn.h>

// What ThreadSanitizer's runtime offers to say: all that was done before a release of an address is seen after an acquire of it.
extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
}

namespace scoutlight::sanitizers {

// The library's function of this mangled name. The program's own definition comes first in the order of the dynamic linker, so it is what
// the library itself calls too.
template <typename Function>
Function* Original(const char* mangled) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, mangled));
}

}  // namespace scoutlight::sanitizers

#endif  // SCOUTLIGHT_THIRD_PARTY_SANITIZERS_ORIGINAL_H_
