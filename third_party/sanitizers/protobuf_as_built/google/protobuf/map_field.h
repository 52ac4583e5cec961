// In front of protobuf's header of this name, in builds with ThreadSanitizer: there its MapFieldBase gets members that Debian's library does
// not know of, so that library and program would write over each other's. Here it is as the library was built.

// Before the macro goes, so that the standard library still knows of the sanitizer.
#include <memory>

#pragma push_macro("__SANITIZE_THREAD__")
#undef __SANITIZE_THREAD__
#include_next <google/protobuf/map_field.h>
#pragma pop_macro("__SANITIZE_THREAD__")
