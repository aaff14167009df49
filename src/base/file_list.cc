// Which files a path names. Each folder is entered once, however many links lead to it: real
// folders first, so that a file is known by its own path and not by that of a link.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include <dirent.h>
#include <glob.h>
#include <sys/stat.h>

#include "base/file.h"

namespace postern {
namespace {

using FileId = std::pair<dev_t, ino_t>;

Error cannot_list(const std::string& path, int number) {
  return {number == ENOENT || number == ENOTDIR ? Code::kNotFound : Code::kIo,
          "cannot list " + path + ": " + std::strerror(number)};
}

std::string join(const std::string& folder, std::string_view name) {
  std::string path = folder;
  if (!path.ends_with('/')) path.push_back('/');
  return path.append(name);
}

class Walk {
 public:
  /// `path` as the user gave it: any kind of file counts, hidden or not.
  void start(const std::string& path) {
    struct stat info {};

    if (::stat(path.c_str(), &info) != 0) {
      errors_.push_back(cannot_list(path, errno));
    } else if (!S_ISDIR(info.st_mode)) {
      files_.push_back(path);
      seen_.insert({info.st_dev, info.st_ino});
    } else {
      folders_.push_back(path);
      run();
    }
  }

  /// What could not be looked at.
  const std::vector<Error>& errors() const { return errors_; }

  std::vector<std::string> take() {
    std::sort(files_.begin(), files_.end());
    files_.erase(std::unique(files_.begin(), files_.end()), files_.end());
    return std::move(files_);
  }

 private:
  void run() {
    while (!folders_.empty() || !links_.empty()) {
      if (folders_.empty()) {
        // In order, so that the same tree always gives the same names.
        follow(links_.extract(links_.begin()).value());
        continue;
      }
      const std::string folder = std::move(folders_.back());
      folders_.pop_back();
      list(folder);
    }
  }

  void list(const std::string& folder) {
    DIR* dir = ::opendir(folder.c_str());
    if (!dir) {
      errors_.push_back(cannot_list(folder, errno));
      return;
    }

    struct stat info {};

    if (::fstat(::dirfd(dir), &info) == 0 && entered_.insert({info.st_dev, info.st_ino}).second) {
      while (const dirent* entry = ::readdir(dir))
        add(folder, entry->d_name);
    }
    ::closedir(dir);
  }

  void add(const std::string& folder, std::string_view name) {
    if (name.starts_with('.') || name == "__MACOSX") return;
    std::string path = join(folder, name);

    struct stat info {};

    if (::lstat(path.c_str(), &info) != 0) {
      // It may be gone since it was listed.
      if (errno != ENOENT) errors_.push_back(cannot_list(path, errno));
      return;
    }
    if (S_ISDIR(info.st_mode)) {
      folders_.push_back(std::move(path));
    } else if (S_ISLNK(info.st_mode)) {
      links_.insert(std::move(path));
    } else if (S_ISREG(info.st_mode)) {
      seen_.insert({info.st_dev, info.st_ino});
      files_.push_back(std::move(path));
    }
  }

  void follow(const std::string& link) {
    struct stat info {};

    if (::stat(link.c_str(), &info) != 0) return;  // leads nowhere, or to itself
    const FileId id{info.st_dev, info.st_ino};
    if (S_ISDIR(info.st_mode) && !entered_.contains(id)) folders_.push_back(link);
    if (S_ISREG(info.st_mode) && seen_.insert(id).second) files_.push_back(link);
  }

  std::vector<std::string> folders_;  // to enter
  std::set<std::string> links_;       // to follow once no real folder is left
  std::set<FileId> entered_;
  std::set<FileId> seen_;
  std::vector<std::string> files_;
  std::vector<Error> errors_;
};

/// Paths that a pattern matches; empty when it is none or matches nothing.
std::vector<std::string> expand(const std::string& pattern) {
  std::vector<std::string> paths;
  glob_t found{};
  if (::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0)
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

Result<std::vector<std::string>> list_files(const std::string& path,
                                            std::vector<std::string>* unlisted) {
  if (path == "-") return std::vector<std::string>{path};
  std::vector<std::string> starts = {path};

  struct stat info {};

  // A name that exists is meant as it stands, even with a bracket in it.
  if (::stat(path.c_str(), &info) != 0 && path.find_first_of("*?[") != std::string::npos) {
    starts = expand(path);
    if (starts.empty()) return Error{Code::kNotFound, "no file matches " + path};
  }
  Walk walk;
  for (const std::string& start : starts)
    walk.start(start);
  std::vector<std::string> files = walk.take();
  if (!walk.errors().empty() && (!unlisted || files.empty())) return walk.errors().front();
  for (const Error& e : walk.errors())
    unlisted->push_back(e.message);
  if (files.empty()) return Error{Code::kNotFound, "no files in " + path};
  return files;
}

}  // namespace postern
