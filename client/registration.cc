#include "client/registration.h"

namespace scoutlight {

absl::string_view RegistrationStateText(RegistrationState state) {
  switch (state) {
    case RegistrationState::kPending:
      return "PENDING";
    case RegistrationState::kRegistered:
      return "REGISTERED";
    case RegistrationState::kRefused:
      return "REFUSED";
    case RegistrationState::kFenced:
      return "FENCED";
    case RegistrationState::kLost:
      return "LOST";
    case RegistrationState::kRemoved:
      return "REMOVED";
  }
  return "";
}

}  // namespace scoutlight
