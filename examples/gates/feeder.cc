// Pushes the lines that it reads.
#include <iostream>
#include <string>

#include "examples/gates/program.h"

int main(int argc, char** argv) {
  Program program(argc, argv, "feeder");
  scoutlight::OutGate out = Program::Need(program.machine.OutGate("plaintext"));

  long lines = 0;
  for (std::string line; !Program::ended() && std::getline(std::cin, line); ++lines) {
    if (absl::Status failed = out.Push(line); !failed.ok()) return std::fprintf(stderr, "%s\n", failed.ToString().c_str()), 1;
  }
  const scoutlight::GateCloseReport closed = out.Close(absl::Minutes(1));
  std::printf("%ld lines, %ld lost\n", lines, static_cast<long>(closed.unsent));
  return closed.unsent == 0 ? 0 : 1;
}
