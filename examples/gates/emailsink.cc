// Prints what it pulls.
#include <string>

#include "examples/gates/program.h"

int main(int argc, char** argv) {
  Program program(argc, argv, "emailsink");
  scoutlight::InGate in = Program::Need(program.machine.InGate("crypted_mails"));

  while (!Program::ended()) {
    absl::StatusOr<scoutlight::Message> message = in.Pull(Program::kWait);
    if (!message.ok()) continue;
    std::printf("%s\n", message->body().c_str());
    std::fflush(stdout);
    // Only now: whoever is killed before has not printed it, and somebody else will.
    if (absl::Status late = message->Confirm(); !late.ok()) std::fprintf(stderr, "%s\n", late.ToString().c_str());
  }
  in.Close(absl::Seconds(5));
  return 0;
}
