// Finds a printer:
//
//   find HOST:PORT
#include <cstdio>
#include <string>

#include "client/connection.h"
#include "client/locator.h"

int main(int argc, char** argv) {
  auto connection = scoutlight::Connection::Open({.endpoints = {argc > 1 ? argv[1] : "127.0.0.1:7400"}});
  if (!connection.ok()) return std::fprintf(stderr, "%s\n", connection.status().ToString().c_str()), 2;

  auto locator = scoutlight::Locator::Open(*connection);
  auto printer = locator->Resolve("Printer");

  if (!printer.ok()) return std::fprintf(stderr, "%s\n", printer.status().ToString().c_str()), 1;
  std::printf("%s at %s:%d\n", printer->instance().name.id.c_str(), printer->endpoint()->url.host.c_str(), printer->endpoint()->url.port);
  return 0;
}
