#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace scoutlight::testing {
namespace {

constexpr char kPython[] = "/usr/bin/python3";
constexpr char kListFile[] = ".scoutlight-stubs";

// What `./dev stubs DIR` runs.
std::vector<std::string> Stubs(const std::string& folder) { return {kPython, getenv("STUBS"), "--protos=proto", "--tools=none", folder}; }

// Every file below the folder, with its content, by its path there.
std::map<std::string, std::string> Files(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[entry.path().lexically_relative(folder).string()] = ReadFile(entry.path().string());
  }
  return files;
}

// It ends with these words and leaves all as it was.
void ExpectRefused(const std::string& folder, const std::string& words) {
  const std::map<std::string, std::string> before = Files(folder);
  Process stubs({.command = Stubs(folder)});
  EXPECT_EQ(stubs.WaitForExit(), Exit{.code = 1});
  EXPECT_TRUE(absl::StrContains(stubs.errors(), words)) << stubs.errors();
  EXPECT_EQ(stubs.output(), "");
  EXPECT_EQ(Files(folder), before);
}

TEST(StubsTest, ALineTellsOfEachLanguageWhatWasWrittenOrIsMissing) {
  const TempDir folder;
  const std::string said = RunToEnd(Stubs(folder.path()));
  for (const std::string language : {"proto", "python", "go", "java", "typescript"}) {
    SCOPED_TRACE(language);
    EXPECT_TRUE(absl::StrContains("\n" + said, absl::StrCat("\n", language, ":"))) << said;
    const bool written = absl::StrContains(said, folder.File(language) + ",");
    EXPECT_EQ(written, std::filesystem::exists(folder.File(language)));
  }
  EXPECT_TRUE(std::filesystem::exists(folder.File("python")));
}

TEST(StubsTest, EveryModuleOfPythonIsImportedAsItLies) {
  const TempDir folder;
  RunToEnd(Stubs(folder.path()));
  // Beside the language's own package `google`, of which nothing is shipped.
  std::string program = "import google.protobuf.duration_pb2\n";
  for (const auto& [path, content] : Files(folder.File("python"))) {
    EXPECT_TRUE(absl::StartsWith(path, "scoutlight/")) << path;
    if (!absl::EndsWith(path, ".py") || absl::EndsWith(path, "__init__.py")) continue;
    absl::StrAppend(&program, "import importlib; importlib.import_module('", path.substr(0, path.size() - 3), "'.replace('/', '.'))\n");
  }
  EXPECT_TRUE(absl::StrContains(program, "scoutlight/registry/v1/lease_pb2_grpc"));
  absl::StrAppend(
      &program, "from scoutlight.discovery.v1 import registration_pb2_grpc\nprint(registration_pb2_grpc.RegistrationServiceStub.__name__)");
  Process python({.command = {kPython, "-W", "error", "-c", program}, .environment = {{"PYTHONPATH", folder.File("python")}}});
  EXPECT_EQ(python.WaitForExit(), Exit{.code = 0}) << python.errors();
  EXPECT_EQ(python.output(), "RegistrationServiceStub\n");
}

TEST(StubsTest, TheSameFilesEveryTimeAndWhatIsNoLongerWrittenGoes) {
  const TempDir first;
  const TempDir second;
  RunToEnd(Stubs(first.path()));
  RunToEnd(Stubs(second.path()));
  const std::map<std::string, std::string> files = Files(first.path());
  EXPECT_EQ(Files(second.path()), files);

  WriteFile(second.File("python/scoutlight/__init__.py"), "changed");
  std::filesystem::create_directories(second.File("ruby/old"));
  WriteFile(second.File("ruby/old/stub"), "of an earlier version");
  WriteFile(second.File(kListFile), ReadFile(second.File(kListFile)) + "ruby/old/stub\n");
  RunToEnd(Stubs(second.path()));
  EXPECT_EQ(Files(second.path()), files);
  EXPECT_FALSE(std::filesystem::exists(second.File("ruby")));
}

TEST(StubsTest, WhatSomebodyElsePutThereStays) {
  const TempDir folder;
  RunToEnd(Stubs(folder.path()));
  WriteFile(folder.File("python/notes"), "mine");
  RunToEnd(Stubs(folder.path()));
  EXPECT_EQ(ReadFile(folder.File("python/notes")), "mine");
}

TEST(StubsTest, AFolderOfOtherThingsIsRefused) {
  const TempDir folder;
  WriteFile(folder.File("notes"), "mine");
  ExpectRefused(folder.path(), "holds other things");
  for (const std::string list : {"", "notes\n"}) {
    WriteFile(folder.File(kListFile), list);
    ExpectRefused(folder.path(), "is not what this program wrote");
  }
}

TEST(StubsTest, WhatACutShortRunLeavesIsReplaced) {
  const TempDir folder;
  std::filesystem::create_directories(folder.File(".scoutlight-stubs-unfinished/python"));
  RunToEnd(Stubs(folder.path()));
  EXPECT_FALSE(std::filesystem::exists(folder.File(".scoutlight-stubs-unfinished")));
}

TEST(StubsTest, AListThatNamesFilesOutsideIsRefused) {
  const TempDir folder;
  RunToEnd(Stubs(folder.path()));
  const std::string list = ReadFile(folder.File(kListFile));
  for (const std::string outside : {"../notes", "python/../../notes", "/tmp/notes"}) {
    WriteFile(folder.File(kListFile), list + outside + "\n");
    ExpectRefused(folder.path(), "is not what this program wrote");
  }
}

TEST(StubsTest, WhatIsInTheWayIsRefused) {
  const TempDir elsewhere;
  const TempDir folder;
  RunToEnd(Stubs(folder.path()));
  std::filesystem::remove_all(folder.File("python"));
  std::filesystem::create_directory_symlink(elsewhere.path(), folder.File("python"));
  ExpectRefused(folder.path(), folder.File("python") + " is not from here and in the way");
  EXPECT_TRUE(Files(elsewhere.path()).empty());
}

}  // namespace
}  // namespace scoutlight::testing
