// Runs a search over rows written down in a test: the whole way from text to result rows.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "adapt/json.h"
#include "base/diagnostic.h"

namespace postern::lang::spl {

/// Rows as JSON objects. `_time` is in seconds; arrays are multivalue fields.
struct TestRows {
  std::vector<adapt::JsonNode> rows;
  /// Instead of events: rows of data model datasets by name ("Endpoint.Processes").
  std::map<std::string, std::vector<adapt::JsonNode>> datasets;
  /// Lookups by the names of their files: CSV, and transforms.conf in a folder of any name.
  std::map<std::string, std::string> files;
};

struct TestResult {
  bool ran = false;
  std::string problem;  ///< when it did not run: the first error, or where it failed
  std::vector<std::string> columns;
  /// Cells as JSON text; "null" for missing.
  std::vector<std::vector<std::string>> rows;
  std::string plan;
};

enum class RunMode { kEvents, kGivenRows };

/// kEvents: the text is a whole search over the rows as events. kGivenRows: a pipeline over the
/// rows in their order. `optimized`: with the optimizer; the answer must not differ.
TestResult run_spl(const std::string& query,
                   const TestRows& input,
                   RunMode mode,
                   bool optimized = true,
                   size_t batch_rows = 2048);

/// "col=value col=value; …": a result on one line, missing cells left out.
std::string brief(const TestResult& r);

}  // namespace postern::lang::spl
