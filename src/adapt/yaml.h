// YAML documents as a tree of nodes with the place of each in the text. Library: libfyaml
// (YAML 1.2).
//
// A scalar keeps its text and whether it was quoted, so that the reader decides types itself:
// `25`, '25' and "25" differ for Sigma. Aliases and merge keys are resolved. Errors:
//   yaml-syntax          not YAML, or bytes that are no text (invalid UTF-8, NUL); one a document
//   yaml-duplicate-key   the second of two equal keys; it is left out of the tree
//   yaml-unknown-alias   *name without an &name before it, or inside of it
//   yaml-bad-merge       `<<` of something that is not a mapping
//   yaml-too-deep        more than kMaxYamlDepth levels
//   yaml-too-large       more than kMaxYamlAliasNodes nodes made by aliases, or a text over 4 GiB
// Warnings: yaml-tag-ignored (a tag outside YAML's core schema), yaml-directive.
// Tests: tests/unit/adapt/yaml_test.cc.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/diagnostic.h"

namespace postern::adapt {

inline constexpr size_t kMaxYamlDepth = 200;
inline constexpr size_t kMaxYamlAliasNodes = 100'000;

struct YamlNode {
  enum class Kind { kScalar, kSequence, kMapping };

  struct Entry;

  static constexpr uint32_t kNoPosition = UINT32_MAX;

  Kind kind = Kind::kScalar;
  Span span;           ///< in the whole source text; of the scalar's token with its quotes (a
                       ///< block's content), or first to last child; of the anchor for an alias
  std::string text;    ///< scalar: its value
  bool plain = false;  ///< scalar: written without quotes and not as a block
  /// For a literal block (`|`) scalar: byte offset in the source where its content starts, and the
  /// indentation removed from each line; lets a position in `text` be mapped back to the source.
  bool block = false;
  uint32_t block_begin = 0;
  uint32_t block_indent = 0;
  /// Source offset of the first byte of `text` when text and source agree byte for byte (plain and
  /// quoted scalars on one line, without escapes), else kNoPosition.
  uint32_t text_begin = kNoPosition;
  /// Literal block: source offset of the content of each line (line ends may be CRLF, empty lines
  /// may lack the indentation, so begin and indent alone do not tell).
  std::vector<uint32_t> line_begins;
  std::vector<YamlNode> items;  ///< sequence
  std::vector<Entry> entries;   ///< mapping, in order

  bool is_scalar() const { return kind == Kind::kScalar; }

  bool is_sequence() const { return kind == Kind::kSequence; }

  bool is_mapping() const { return kind == Kind::kMapping; }

  /// A plain scalar that YAML 1.2 core reads as null: empty, ~, null, Null, NULL.
  bool is_null() const;
  /// Value of a mapping's key, or nullptr.
  const YamlNode* find(std::string_view key) const;
  /// Text of a mapping's scalar value, or "" when absent or no scalar.
  std::string_view get(std::string_view key) const;
  /// Source position of byte `at` of `text` (exact for plain and block scalars, and for quoted ones
  /// without escapes; else the start of the scalar).
  uint32_t source_position(size_t at) const;
};

struct YamlNode::Entry {
  YamlNode key;
  YamlNode value;
};

/// Every document of a text. Of one that is not YAML the first syntax error is in `diag`, and the
/// others are returned all the same; `broken` gets where such documents lie.
std::vector<YamlNode> parse_yaml(const Source& source,
                                 Diagnostics& diag,
                                 std::vector<Span>* broken = nullptr);

/// Where the documents of a text lie, also those that are not YAML.
std::vector<Span> yaml_documents(std::string_view text);

}  // namespace postern::adapt
