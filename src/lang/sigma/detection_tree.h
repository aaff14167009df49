// A selection as written: maps, lists and items, before anything is made of them.
//
// Reading and lowering are apart because a processing pipeline works between them: it renames the
// field of an item, drops items, changes their values. Tests:
// tests/unit/lang/sigma/detection_test.cc, tests/cases/sigma.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "adapt/yaml.h"
#include "base/diagnostic.h"
#include "lang/sigma/modifier.h"
#include "lang/sigma/value.h"

namespace postern::lang::sigma {

/// `Field|modifiers: values`, or keywords.
struct Item {
  Modifiers modifiers;
  std::vector<Scalar> values;     ///< none: read as null
  Span span;                      ///< of key and values
  std::set<std::string> applied;  ///< ids of the pipeline's items that changed it
};

/// An item, or a conjunction (a map) or disjunction (a list) of detections.
struct Detection {
  enum class Kind : uint8_t { kItem, kAll, kAny };

  Kind kind = Kind::kAny;
  Item item;                     ///< kItem
  std::vector<Detection> parts;  ///< kAll, kAny; a pipeline may leave none: then it says nothing
  Span span;
};

/// Reads one selection. False once errors (all of it) were added; `out` then holds the items that
/// are right, so that what is wrong with their values can be told too.
bool read_selection(const adapt::YamlNode& node, Detection& out, Diagnostics& diag);

/// For a selection that outlives the document it was read from: its values point there no more.
void forget_nodes(Detection& selection);

}  // namespace postern::lang::sigma
