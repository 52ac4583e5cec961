#ifndef SCOUTLIGHT_TESTS_E2E_LIBRARY_RECORDING_H_
#define SCOUTLIGHT_TESTS_E2E_LIBRARY_RECORDING_H_

#include <memory>

#include "tests/checker/registration_recorder.h"

namespace scoutlight::testing {

// Records what the client library does in this process: the streams of its sessions and locators, and its calls of Deregister, Drain,
// GetInstance and ListInstances. It sees messages where gRPC takes and gives them (a global interceptor), so nothing of the library is
// changed. One at a time, made before the channels that it is to see. Streams of a StreamLoop it does not see: they are recorded by who has
// them.
class LibraryRecording {
 public:
  // Streams that gRPC has not ended yet when this goes hold `recorder` until they are.
  explicit LibraryRecording(std::shared_ptr<checker::RegistrationRecorder> recorder);
  ~LibraryRecording();
  LibraryRecording(const LibraryRecording&) = delete;
  LibraryRecording& operator=(const LibraryRecording&) = delete;
};

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_E2E_LIBRARY_RECORDING_H_
