// The project's data files inside the program: catalog, built-in rules, strategy bindings, macros.
// Made at build time by tools/embed_data.py; `$POSTERN_DATA` names a folder that is read instead.
#pragma once
#include <span>
#include <string_view>

namespace postern::engine {

struct EmbeddedFile {
  std::string_view path;  ///< "catalog/tables/zeek.conn.yml"
  std::string_view text;
};

/// Sorted by path.
std::span<const EmbeddedFile> embedded_files();

}  // namespace postern::engine
