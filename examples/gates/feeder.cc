// Pushes the lines that it reads.
#include <iostream>
#include <string>

#include "examples/gates/program.h"

int main(int argc, char** argv) {
  Program program(argc, argv, "feeder");
  scoutlight::OutGate out = Program::Need(program.machine.OutGate("plaintext"));

  long lines = 0;
  for (std::string line; !Program::ended() && std::getline(std::cin, line);) {
    // While nobody takes any, the queue is full.
    absl::Status pushed;
    do {
      pushed = out.Push(line, Program::kWait);
    } while (absl::IsDeadlineExceeded(pushed) && !Program::ended());
    if (!pushed.ok() && !absl::IsDeadlineExceeded(pushed)) return std::fprintf(stderr, "%s\n", pushed.ToString().c_str()), 1;
    lines += pushed.ok();
  }
  const scoutlight::GateCloseReport closed = out.Close(absl::Minutes(1));
  std::printf("%ld lines, %ld lost\n", lines, static_cast<long>(closed.unsent));
  return closed.unsent == 0 ? 0 : 1;
}
