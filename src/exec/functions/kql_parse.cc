// Functions of KQL that take a text apart: URLs, paths, CSV lines, command lines, JSON paths.
// Source: Kusto documentation; the leading slash of a URL's path as published hunts rely on it.
#include "exec/functions/kql_kernel.h"

namespace postern::exec::kql {

namespace {

// ---- URLs ---------------------------------------------------------------------------------------

/// `a=1&b=2` as a bag; names and values are unescaped.
void write_query(DynamicWriter& w, std::string_view query) {
  w.begin_object();
  for (const std::string_view part :
       query.empty() ? std::vector<std::string_view>{} : split(query, '&')) {
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    w.key(repair_utf8(url_decode(part.substr(0, equals))));
    w.string(equals == std::string_view::npos ? ""
                                              : repair_utf8(url_decode(part.substr(equals + 1))));
  }
  w.end();
}

struct Url {
  std::string_view scheme, host, port, path, username, password, query, fragment;
};

Url take_apart(std::string_view s) {
  Url u;
  if (const size_t hash = s.find('#'); hash != std::string_view::npos) {
    u.fragment = s.substr(hash + 1);
    s = s.substr(0, hash);
  }
  if (const size_t mark = s.find('?'); mark != std::string_view::npos) {
    u.query = s.substr(mark + 1);
    s = s.substr(0, mark);
  }
  const size_t colons = s.find("://");
  if (colons == std::string_view::npos) {
    // Not absolute: what there is counts as path.
    u.path = s;
    return u;
  }
  u.scheme = s.substr(0, colons);
  s = s.substr(colons + 3);
  const size_t slash = s.find('/');
  std::string_view authority = s.substr(0, slash);
  if (slash != std::string_view::npos) u.path = s.substr(slash);
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = authority.substr(0, at);
    const size_t colon = user.find(':');
    u.username = user.substr(0, colon);
    if (colon != std::string_view::npos) u.password = user.substr(colon + 1);
    authority = authority.substr(at + 1);
  }
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    u.port = authority.substr(colon + 1);
    authority = authority.substr(0, colon);
  }
  u.host = authority;
  return u;
}

Column parse_url_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Url u = take_apart(args[0].text(row));
    DynamicWriter w;
    w.begin_object();
    for (const auto& [name, value] :
         {std::pair("Scheme", u.scheme), std::pair("Host", u.host), std::pair("Port", u.port),
          std::pair("Path", u.path), std::pair("Username", u.username),
          std::pair("Password", u.password)}) {
      w.key(name);
      w.string(value);
    }
    w.key("Query Parameters");
    write_query(w, u.query);
    w.key("Fragment");
    w.string(u.fragment);
    w.end();
    out.set_copy(row, w.take());
  });
}

Column parse_urlquery_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    std::string_view s = args[0].text(row);
    if (s.starts_with('?')) s.remove_prefix(1);
    DynamicWriter w;
    w.begin_object();
    w.key("Query Parameters");
    write_query(w, s);
    w.end();
    out.set_copy(row, w.take());
  });
}

// ---- paths --------------------------------------------------------------------------------------

Column parse_path_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    std::string_view s = args[0].text(row);
    std::string_view scheme;
    if (const size_t colons = s.find("://"); colons != std::string_view::npos) {
      scheme = s.substr(0, colons);
      s = s.substr(colons + 3);
    }
    if (s.starts_with("\\\\?\\")) s.remove_prefix(4);  // long paths
    const std::string_view root =
        s.size() >= 2 && s[1] == ':' && ascii_alpha(s[0]) ? s.substr(0, 2) : std::string_view();
    const size_t slash = s.find_last_of("/\\");
    const std::string_view directory =
        slash == std::string_view::npos ? std::string_view() : s.substr(0, slash);
    std::string_view file =
        slash == std::string_view::npos ? s.substr(root.size()) : s.substr(slash + 1);
    std::string_view stream;
    if (const size_t colon = file.find(':'); colon != std::string_view::npos) {
      stream = file.substr(colon + 1);
      file = file.substr(0, colon);
    }
    const size_t above = directory.find_last_of("/\\");
    const std::string_view name = above == std::string_view::npos
                                      ? directory.substr(std::min(root.size(), directory.size()))
                                      : directory.substr(above + 1);
    const size_t dot = file.rfind('.');
    DynamicWriter w;
    w.begin_object();
    for (const auto& [key, value] :
         {std::pair("Scheme", scheme), std::pair("RootPath", root),
          std::pair("DirectoryPath", directory), std::pair("DirectoryName", name),
          std::pair("Filename", file),
          std::pair("Extension",
                    dot == std::string_view::npos ? std::string_view() : file.substr(dot + 1)),
          std::pair("AlternateDataStreamName", stream)}) {
      w.key(key);
      w.string(value);
    }
    w.end();
    out.set_copy(row, w.take());
  });
}

// ---- lines --------------------------------------------------------------------------------------

/// The fields of the first record; quotes are doubled inside quotes.
Column parse_csv_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::string_view s = args[0].text(row);
    DynamicWriter w;
    w.begin_array();
    std::string field;
    bool quoted = false;
    for (size_t i = 0; i < s.size(); ++i) {
      const char c = s[i];
      if (quoted) {
        if (c == '"' && i + 1 < s.size() && s[i + 1] == '"')
          field.push_back(s[++i]);
        else if (c == '"')
          quoted = false;
        else
          field.push_back(c);
      } else if (c == '"' && field.empty()) {
        quoted = true;
      } else if (c == ',') {
        w.string(field);
        field.clear();
      } else if (c == '\n' || c == '\r') {
        break;
      } else {
        field.push_back(c);
      }
    }
    w.string(field);
    w.end();
    out.set_copy(row, w.take());
  });
}

/// The rules of CommandLineToArgvW: backslashes count before a quote only, "" inside quotes is a
/// quote.
Column parse_command_line_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::string_view s = trim(args[0].text(row));
    if (s.empty()) return;
    DynamicWriter w;
    w.begin_array();
    std::string word;
    bool quoted = false;
    bool open = false;  // a word has begun, maybe an empty one in quotes
    for (size_t i = 0; i < s.size(); ++i) {
      if (s[i] == '\\') {
        size_t n = 0;
        while (i + n < s.size() && s[i + n] == '\\')
          ++n;
        const bool before_quote = i + n < s.size() && s[i + n] == '"';
        word.append(before_quote ? n / 2 : n, '\\');
        open = true;
        i += n - 1;
        if (before_quote && n % 2 == 1) {
          word.push_back('"');
          ++i;
        }
      } else if (s[i] == '"') {
        open = true;
        if (quoted && i + 1 < s.size() && s[i + 1] == '"')
          word.push_back(s[++i]);
        else
          quoted = !quoted;
      } else if ((s[i] == ' ' || s[i] == '\t') && !quoted) {
        if (open) w.string(word);
        word.clear();
        open = false;
      } else {
        word.push_back(s[i]);
        open = true;
      }
    }
    if (open) w.string(word);
    w.end();
    out.set_copy(row, w.take());
  });
}

Result<std::shared_ptr<const void>> prepare_command_line(std::span<const Value* const> constants,
                                                         std::span<const Type>) {
  if (constants.size() > 1 && constants[1] && constants[1]->text() != "windows" &&
      constants[1]->text() != "Windows")
    return Error{Code::kInvalid, "parse_command_line() knows the parser \"windows\" only"};
  return std::shared_ptr<const void>();
}

// ---- JSON paths
// -----------------------------------------------------------------------------------

/// The value at `$.a.b[0]['c d']`; null when a step finds nothing.
Dynamic at_path(Dynamic d, std::string_view path) {
  if (path.starts_with('$')) path.remove_prefix(1);
  while (!path.empty()) {
    if (path[0] == '.') {
      const size_t end = std::min(path.find_first_of(".[", 1), path.size());
      d = d.find(path.substr(1, end - 1));
      path.remove_prefix(end);
      continue;
    }
    if (path[0] != '[') return Dynamic();
    const bool quoted = path.size() > 1 && (path[1] == '\'' || path[1] == '"');
    const size_t close = quoted ? path.find(std::string(1, path[1]) + "]", 2) : path.find(']');
    if (close == std::string_view::npos) return Dynamic();
    if (quoted) {
      d = d.find(path.substr(2, close - 2));
      path.remove_prefix(close + 2);
    } else {
      const std::optional<int64_t> index = parse_int(path.substr(1, close - 1));
      if (!index || !d.is_array()) return Dynamic();
      const int64_t i = *index < 0 ? *index + d.size() : *index;
      d = i >= 0 && i < d.size() ? d.at(static_cast<uint32_t>(i)) : Dynamic();
      path.remove_prefix(close + 1);
    }
  }
  return d;
}

/// extract_json(path, text): the value as text.
Column extract_json_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::string path(args[0].text(row));
    if (args[1].type() == Type::kDynamic && !args[1].dynamic(row).is_string()) {
      out.set_copy(row, to_text(at_path(args[1].dynamic(row), path)));
      return;
    }
    const std::optional<std::string> json = data::dynamic_from_json(args[1].text(row));
    out.set_copy(row, json ? to_text(at_path(Dynamic(*json), path)) : std::string());
  });
}

constexpr auto kTextToBag = fixed<Type::kDynamic, kTextArg>;

constexpr Spec kSpecs[] = {
    {"parse_url", 1, 1, kTextToBag, parse_url_kernel, "Parts of a URL."},
    {"parse_urlquery", 1, 1, kTextToBag, parse_urlquery_kernel, "Parameters of a query string."},
    {"parse_path", 1, 1, kTextToBag, parse_path_kernel, "Parts of a file path."},
    {"parse_csv", 1, 1, kTextToBag, parse_csv_kernel, "Fields of a CSV line."},
    {"parse_command_line", 2, 2, kTextToBag, parse_command_line_kernel, "Words of a command line.",
     prepare_command_line},
    {"extract_json", 2, 2, fixed<Type::kString, kTextArg>, extract_json_kernel,
     "Text at a JSON path."},
};

}  // namespace

void register_parsers(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
