#include "lang/spl/commands.h"

#include <algorithm>
#include <iterator>

namespace postern::lang::spl {
namespace {

// Sorted, for the binary search.
constexpr std::string_view kRefused[] = {
    "abstract", "accum", "addcoltotals", "addinfo", "addtotals", "analyzefields", "anomalies",
    "anomalousvalue", "anomalydetection", "apply", "arules", "associate", "audit", "autoregress",
    "bucketdir", "chart", "cluster", "cofilter", "collect", "concurrency", "contingency", "correlate",
    "ctable", "datamodel", "dbinspect", "dbxlookup", "dbxquery", "delete", "delta", "diff", "erex",
    "eventcount", "extract", "fieldformat", "fieldsummary", "filldown", "findtypes", "fit",
    "folderize", "foreach", "format", "fromjson", "gauge", "gentimes", "geom", "geomfilter", "geostats",
    "highlight", "history", "iconify", "inputcsv", "inputintelligence", "inputlookup", "iplocation",
    "kmeans", "kv", "kvform", "loadjob", "localize", "localop", "lookup", "makecontinuous",
    "makeresults", "map", "mcatalog", "mcollect", "metadata", "metasearch", "meventcollect", "mstats",
    "multikv", "mvcombine", "nomv", "outlier", "outputcsv", "outputlookup", "outputtext",
    "overlap", "pivot", "predict", "rangemap", "redistribute", "relevancy", "reltime", "require",
    "rest", "return", "reverse", "rtorder", "run", "savedsearch", "script", "scrub", "searchtxn",
    "selfjoin", "sendalert", "sendemail", "set", "setfields", "shape", "sichart", "sirare", "sistats",
    "sitimechart", "sitop", "spath", "strcat", "streamstats", "summary", "tags", "tail", "timechart",
    "timewrap", "tojson", "transaction", "transpose", "trendline", "tscollect", "typeahead",
    "typelearner", "typer", "union", "uniq", "untable", "walklex", "x11", "xmlkv", "xmlunescape",
    "xpath", "xsdetect", "xswhere", "xyseries",
};

}  // namespace

bool is_refused_command(std::string_view name) {
  return std::binary_search(std::begin(kRefused), std::end(kRefused), name);
}

std::vector<std::string_view> refused_command_names() { return {std::begin(kRefused), std::end(kRefused)}; }

}  // namespace postern::lang::spl
