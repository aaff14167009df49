#include "base/file.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace postern {
namespace {

namespace fs = std::filesystem;

/// A folder that lives as long as the test.
class FileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "postern-file-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }

  void TearDown() override { fs::remove_all(root_); }

  std::string path(const std::string& name) const { return root_ + "/" + name; }

  std::string write(const std::string& name, const std::string& bytes = "x") const {
    fs::create_directories(fs::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }

  /// Names below the folder that list_files gives.
  std::vector<std::string> listed(const std::string& what) const {
    const Result<std::vector<std::string>> files = list_files(what);
    if (!files) return {"error: " + files.error().message};
    std::vector<std::string> names;
    for (const std::string& f : *files)
      names.push_back(f.substr(root_.size() + 1));
    return names;
  }

  std::string root_;
};

using Names = std::vector<std::string>;

// One folder that cannot be looked at does not hide the others.
TEST_F(FileTest, WhatCannotBeListedIsToldNextToTheRest) {
  write("a");
  write("closed/b");
  write("z");
  fs::permissions(path("closed"), fs::perms::none);
  if (::access(path("closed").c_str(), R_OK) == 0) GTEST_SKIP() << "nothing is closed to root";
  std::vector<std::string> unlisted;
  const auto files = list_files(root_, &unlisted);
  fs::permissions(path("closed"), fs::perms::owner_all);
  ASSERT_TRUE(files);
  EXPECT_EQ(*files, (Names{path("a"), path("z")}));
  EXPECT_EQ(unlisted, Names{"cannot list " + path("closed") + ": Permission denied"});
}

TEST_F(FileTest, BytesOutliveTheirName) {
  const std::string p = write("a", std::string("one\0two", 7));
  const auto file = FileBytes::open(p);
  ASSERT_TRUE(file);
  fs::remove(p);
  EXPECT_EQ((*file)->view(), std::string_view("one\0two", 7));
}

TEST_F(FileTest, EmptyFileIsEmpty) {
  const auto file = FileBytes::open(write("a", ""));
  ASSERT_TRUE(file);
  EXPECT_EQ((*file)->view(), "");
}

TEST_F(FileTest, FileWithoutASizeIsRead) {
  const auto file = FileBytes::open("/proc/self/status");
  if (!file) GTEST_SKIP() << "no /proc here";
  EXPECT_NE((*file)->view().find("Pid"), std::string_view::npos);
}

TEST_F(FileTest, ErrorsNameThePath) {
  const auto missing = FileBytes::open(path("none"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_NE(missing.error().message.find(path("none")), std::string::npos);
  const auto folder = FileBytes::open(root_);
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code, Code::kInvalid);
}

TEST_F(FileTest, BytesFromElsewhere) {
  EXPECT_EQ(FileBytes::from_string("short")->view(), "short");  // short strings live in the object
}

TEST_F(FileTest, TextLosesItsByteOrderMark) {
  EXPECT_EQ(*read_text_file(write("a", "\xEF\xBB\xBFtitle: x")), "title: x");
  EXPECT_EQ(*read_text_file(write("b", "plain")), "plain");
  EXPECT_FALSE(read_text_file(path("none")));
}

TEST_F(FileTest, FolderIsListedBytewiseWithoutHiddenFiles) {
  for (const char* name : {"b", "a/z", "a/B", "a/.hidden", ".git/config", "__MACOSX/a", "a.txt"})
    write(name);
  EXPECT_EQ(listed(root_), (Names{"a.txt", "a/B", "a/z", "b"}));
  EXPECT_EQ(listed(path("a/.hidden")), Names{"a/.hidden"});  // asked for by name
}

TEST_F(FileTest, GlobMatchesFilesAndFolders) {
  for (const char* name : {"x1/a", "x2/b", "y/c", "x3"})
    write(name);
  EXPECT_EQ(listed(path("x*")), (Names{"x1/a", "x2/b", "x3"}));
  EXPECT_EQ(listed(path("x[12]/*")), (Names{"x1/a", "x2/b"}));
}

TEST_F(FileTest, NameWithBracketsIsAName) {
  write("a[1]");
  write("a1");
  EXPECT_EQ(listed(path("a[1]")), Names{"a[1]"});
}

TEST_F(FileTest, NothingThereIsAnError) {
  fs::create_directory(path("empty"));
  for (const std::string& p : {path("none"), path("*.none"), path("empty")}) {
    const auto files = list_files(p);
    ASSERT_FALSE(files) << p;
    EXPECT_EQ(files.error().code, Code::kNotFound) << p;
  }
}

TEST_F(FileTest, LinksAreFollowedOnceAndLoopsEnd) {
  write("d/a");
  fs::create_directory_symlink(root_, path("d/up"));
  fs::create_directory_symlink("d", path("again"));
  fs::create_symlink("itself", path("itself"));
  fs::create_symlink("d/a", path("alias"));
  EXPECT_EQ(listed(root_), Names{"d/a"});
}

TEST_F(FileTest, LinkOutOfTheFolderIsFollowed) {
  write("out/f");
  write("out2");
  fs::create_directory(path("in"));
  fs::create_directory_symlink(path("out"), path("in/o"));
  fs::create_symlink(path("out2"), path("in/p"));
  EXPECT_EQ(listed(path("in")), (Names{"in/o/f", "in/p"}));
}

TEST_F(FileTest, PipesInAFolderAreLeftOut) {
  write("a");
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(listed(root_), Names{"a"});
}

TEST_F(FileTest, StandardInputStaysItself) {
  EXPECT_EQ(*list_files("-"), Names{"-"});
}

}  // namespace
}  // namespace postern
