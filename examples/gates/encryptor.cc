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
    absl::StatusOr<scoutlight::Message> message = in.Pull(absl::Milliseconds(200));
    if (!message.ok()) continue;
    absl::Status done = out.Push(Encrypt(message->body()));
    // One that was not pushed on is dropped: it comes again, to another encryptor if there is one.
    if (done.ok()) done = message->Confirm();
    if (!done.ok()) std::fprintf(stderr, "%s\n", done.ToString().c_str());
  }
  in.Close(absl::Seconds(5));
  return out.Close(absl::Seconds(5)).unsent == 0 ? 0 : 1;
}
