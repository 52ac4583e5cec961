#ifndef SCOUTLIGHT_TESTS_EXAMPLES_PRINTER_PROGRAMS_H_
#define SCOUTLIGHT_TESTS_EXAMPLES_PRINTER_PROGRAMS_H_

#include <map>
#include <string>
#include <vector>

namespace scoutlight::testing {

// The two programs of a language, which print the same in each. HOST:PORT is added to their arguments.
struct PrinterPrograms {
  std::vector<std::string> register_itself;
  std::vector<std::string> find;
  std::map<std::string, std::string> environment;
  std::string unavailable;  // How the language spells that code.
};

// One registers itself, the other finds it and sees it leave.
void ExpectFoundUntilItLeaves(const PrinterPrograms& programs);

// What is registered is so again on a server that has lost everything.
void ExpectRegisteredAnewAfterRestart(const PrinterPrograms& programs);

// They say so, and the one that finds ends.
void ExpectWordsWithoutServer(const PrinterPrograms& programs);

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_EXAMPLES_PRINTER_PROGRAMS_H_
