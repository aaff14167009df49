// Files of the rule pack that a search lies in: macros and lookups are looked for in the folders on
// the way up from the rule, at most five, and the nearest wins.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace postern::lang::spl {

/// Folders of the pack of `rule_path`, the farthest first, so that what is read later is nearer.
inline std::vector<std::string> pack_folders(std::string_view folder) {
  constexpr int kMaxFoldersUp = 5;
  std::vector<std::string> out;
  for (int i = 0; i < kMaxFoldersUp; ++i) {
    out.emplace(out.begin(), folder.empty() ? "." : folder);
    if (folder.empty() || folder == "/") break;
    const size_t slash = folder.find_last_of('/');
    folder = slash == std::string_view::npos ? "" : folder.substr(0, slash == 0 ? 1 : slash);
  }
  return out;
}

/// What was read for each folder that holds rules. Thread-safe.
template <class Table>
class PackFiles {
 public:
  /// The table of the folder of `rule_path`; `read(folder, table)` fills a new one, once for each
  /// folder of the pack, the farthest first.
  template <class Read>
  const Table& beside(std::string_view rule_path, Read read) const {
    const size_t slash = rule_path.find_last_of('/');
    const std::string folder(
        slash == std::string_view::npos ? "" : rule_path.substr(0, slash == 0 ? 1 : slash));
    const std::lock_guard lock(mutex_);
    std::unique_ptr<Table>& known = tables_[folder];
    if (!known) {
      known = std::make_unique<Table>();
      for (const std::string& f : pack_folders(folder))
        read(f, *known);
    }
    return *known;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::unique_ptr<Table>> tables_;
};

}  // namespace postern::lang::spl
