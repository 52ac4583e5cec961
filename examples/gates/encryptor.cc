// Encrypts what it pulls, by rot13, and pushes it on. Run as many as there is work for.
#include <string>

#include "examples/gates/program.h"

namespace {

std::string Encrypt(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>('a' + (c - 'a' + 13) % 26);
    if (c >= 'A' && c <= 'Z') c = static_cast<char>('A' + (c - 'A' + 13) % 26);
  }
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  Program program(argc, argv, "encryptor");
  scoutlight::OutGate out = Program::Need(program.machine.OutGate("encrypted"));
  scoutlight::InGate in = Program::Need(program.machine.InGate("plaintext"));

  while (!Program::ended()) {
    absl::StatusOr<scoutlight::Message> message = in.Pull(Program::kWait);
    if (!message.ok()) continue;
    const std::string text = Encrypt(message->body());
    // Confirmed when a sink has confirmed what was made of it: if this process is killed before, it comes again, to another encryptor.
    absl::Status passed_on;
    do {
      passed_on = out.Relay(*std::move(message), text, Program::kWait);
    } while (absl::IsDeadlineExceeded(passed_on) && !Program::ended());
    if (!passed_on.ok()) std::fprintf(stderr, "%s\n", passed_on.ToString().c_str());
  }
  in.Close(absl::Seconds(5));
  return out.Close(absl::Seconds(5)).unsent == 0 ? 0 : 1;
}
