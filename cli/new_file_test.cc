#include "cli/new_file.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/input.h"

namespace scoutlight::cli {
namespace {

class NewFileTest : public ::testing::Test {
 protected:
  NewFileTest() {
    std::string name = ::testing::TempDir() + "new_file_XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  ~NewFileTest() override { std::filesystem::remove_all(folder_); }

  std::string File(const std::string& name) const { return folder_ / name; }
  std::string Path() const { return File("f"); }
  std::string Content() const { return ReadFile(Path(), 1'000).value_or("(none)"); }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& file : std::filesystem::directory_iterator(folder_)) names.push_back(file.path().filename());
    return names;
  }
  // Has `content` once it is kept.
  std::unique_ptr<NewFile> Begin(const std::string& content) const {
    absl::StatusOr<std::unique_ptr<NewFile>> file = NewFile::Create(Path());
    EXPECT_TRUE(file.ok()) << file.status();
    EXPECT_TRUE((*file)->Write(content).ok());
    return *std::move(file);
  }

  std::filesystem::path folder_;
};

TEST_F(NewFileTest, ItIsThereOnceItIsKept) {
  ASSERT_TRUE(Begin("old")->Keep().ok());
  const auto next = Begin("new");
  EXPECT_EQ(Content(), "old");
  ASSERT_TRUE(next->Keep().ok());
  EXPECT_EQ(Content(), "new");
  EXPECT_EQ(Names(), std::vector<std::string>{"f"});
}

TEST_F(NewFileTest, WhatIsDiscardedLeavesNothingAndCannotBeKept) {
  Begin("gone");
  EXPECT_EQ(Names(), std::vector<std::string>());
  const auto file = Begin("x");
  file->Discard();
  EXPECT_EQ(Names(), std::vector<std::string>());
  EXPECT_EQ(file->Keep().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(Names(), std::vector<std::string>());
}

TEST_F(NewFileTest, OneThatIsWrittenIsNobodyElses) {
  const auto first = Begin("first");
  EXPECT_EQ(NewFile::Create(Path()).status().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(first->Keep().ok());
  EXPECT_EQ(Content(), "first");
  // Its lock is on what is in place now, which nobody is writing.
  const auto second = Begin("second");
  EXPECT_EQ(Content(), "first");
  second->Discard();
  ASSERT_TRUE(Begin("third")->Keep().ok());
  ASSERT_EQ(second->Keep().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(Content(), "third");
}

TEST_F(NewFileTest, WhatWasLeftIsWrittenOver) {
  std::filesystem::copy_file("/proc/self/status", File("f.partial"));
  ASSERT_EQ(chmod(File("f.partial").c_str(), 0644), 0);
  ASSERT_TRUE(Begin("short")->Keep().ok());
  EXPECT_EQ(Content(), "short");
  struct stat kept;
  ASSERT_EQ(stat(Path().c_str(), &kept), 0);
  EXPECT_EQ(kept.st_mode & 0777, 0600u);
}

TEST_F(NewFileTest, WhatIsNotOursIsLeftAlone) {
  std::filesystem::create_symlink("elsewhere", File("f.partial"));
  EXPECT_EQ(NewFile::Create(Path()).status().code(), absl::StatusCode::kUnknown);
  std::filesystem::remove(File("f.partial"));
  ASSERT_EQ(mkfifo(File("f.partial").c_str(), 0600), 0);
  EXPECT_EQ(NewFile::Create(Path()).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Names(), std::vector<std::string>{"f.partial"});
}

}  // namespace
}  // namespace scoutlight::cli
