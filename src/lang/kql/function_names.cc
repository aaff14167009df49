// Three tables: names that change on the way to the plan, names that are refused, and how results are
// named. A supported function that keeps its name is listed in kScalars.
// Source: Kusto documentation, scalar functions and aggregation functions; result names as the official
// analyzer gives them. Tests: tests/unit/lang/kql/names_test.cc, which holds this list against the catalog.
#include "lang/kql/function_names.h"

#include <algorithm>
#include <string>
#include <unordered_map>

namespace postern::lang::kql {
namespace {

using Map = std::unordered_map<std::string_view, FunctionName>;

// Every entry is the name in Kusto and "kql." + name in the plan.
constexpr std::string_view kScalars[] = {
    "kql.abs",
    "kql.acos",
    "kql.ago",
    "kql.array_concat",
    "kql.array_iff",
    "kql.array_index_of",
    "kql.array_length",
    "kql.array_reverse",
    "kql.array_rotate_left",
    "kql.array_rotate_right",
    "kql.array_shift_left",
    "kql.array_shift_right",
    "kql.array_slice",
    "kql.array_sort_asc",
    "kql.array_sort_desc",
    "kql.array_split",
    "kql.array_sum",
    "kql.asin",
    "kql.atan",
    "kql.atan2",
    "kql.bag_has_key",
    "kql.bag_keys",
    "kql.bag_merge",
    "kql.bag_pack",
    "kql.bag_remove_keys",
    "kql.bag_set_key",
    "kql.bag_zip",
    "kql.base64_decode_toarray",
    "kql.base64_decode_tostring",
    "kql.base64_encode_tostring",
    "kql.bin",
    "kql.bin_at",
    "kql.binary_and",
    "kql.binary_not",
    "kql.binary_or",
    "kql.binary_shift_left",
    "kql.binary_shift_right",
    "kql.binary_xor",
    "kql.bitset_count_ones",
    "kql.ceiling",
    "kql.coalesce",
    "kql.column_ifexists",
    "kql.cos",
    "kql.cot",
    "kql.countof",
    "kql.datetime_add",
    "kql.datetime_diff",
    "kql.datetime_part",
    "kql.dayofmonth",
    "kql.dayofweek",
    "kql.dayofyear",
    "kql.degrees",
    "kql.dynamic_to_json",
    "kql.endofday",
    "kql.endofmonth",
    "kql.endofweek",
    "kql.endofyear",
    "kql.exp",
    "kql.exp10",
    "kql.exp2",
    "kql.extract",
    "kql.extract_all",
    "kql.extract_json",
    "kql.format_bytes",
    "kql.format_datetime",
    "kql.format_ipv4",
    "kql.format_ipv4_mask",
    "kql.format_timespan",
    "kql.getyear",
    "kql.gettype",
    "kql.has_any_index",
    "kql.has_any_ipv4",
    "kql.has_any_ipv4_prefix",
    "kql.has_ipv4",
    "kql.has_ipv4_prefix",
    "kql.hash",
    "kql.hash_md5",
    "kql.hash_sha1",
    "kql.hash_sha256",
    "kql.hourofday",
    "kql.indexof",
    "kql.indexof_regex",
    "kql.ingestion_time",
    "kql.ipv4_compare",
    "kql.ipv4_is_in_any_range",
    "kql.ipv4_is_in_range",
    "kql.ipv4_is_match",
    "kql.ipv4_is_private",
    "kql.ipv4_netmask_suffix",
    "kql.ipv6_compare",
    "kql.ipv6_is_in_any_range",
    "kql.ipv6_is_in_range",
    "kql.ipv6_is_match",
    "kql.isascii",
    "kql.isempty",
    "kql.isfinite",
    "kql.isinf",
    "kql.isnan",
    "kql.isnotempty",
    "kql.isnotnull",
    "kql.isnull",
    "kql.isutf8",
    "kql.jaccard_index",
    "kql.log",
    "kql.log10",
    "kql.log2",
    "kql.make_datetime",
    "kql.make_timespan",
    "kql.max_of",
    "kql.min_of",
    "kql.monthofyear",
    "kql.now",
    "kql.pack_all",
    "kql.pack_array",
    "kql.parse_command_line",
    "kql.parse_csv",
    "kql.parse_ipv4",
    "kql.parse_ipv4_mask",
    "kql.parse_json",
    "kql.parse_path",
    "kql.parse_url",
    "kql.parse_urlquery",
    "kql.pi",
    "kql.pow",
    "kql.radians",
    "kql.range",
    "kql.regex_quote",
    "kql.repeat",
    "kql.replace_regex",
    "kql.replace_string",
    "kql.replace_strings",
    "kql.reverse",
    "kql.round",
    "kql.set_difference",
    "kql.set_equals",
    "kql.set_has_element",
    "kql.set_intersect",
    "kql.set_union",
    "kql.sign",
    "kql.sin",
    "kql.split",
    "kql.sqrt",
    "kql.startofday",
    "kql.startofmonth",
    "kql.startofweek",
    "kql.startofyear",
    "kql.strcat",
    "kql.strcat_array",
    "kql.strcat_delim",
    "kql.strcmp",
    "kql.string_size",
    "kql.strlen",
    "kql.strrep",
    "kql.substring",
    "kql.tan",
    "kql.tobool",
    "kql.todatetime",
    "kql.toguid",
    "kql.tohex",
    "kql.toint",
    "kql.tolong",
    "kql.tolower",
    "kql.toreal",
    "kql.tostring",
    "kql.totimespan",
    "kql.toupper",
    "kql.translate",
    "kql.trim",
    "kql.trim_end",
    "kql.trim_start",
    "kql.unicode_codepoints_from_string",
    "kql.unicode_codepoints_to_string",
    "kql.unixtime_microseconds_todatetime",
    "kql.unixtime_milliseconds_todatetime",
    "kql.unixtime_nanoseconds_todatetime",
    "kql.unixtime_seconds_todatetime",
    "kql.url_decode",
    "kql.url_encode",
    "kql.url_encode_component",
    "kql.week_of_year",
    "kql.zip",
};

struct Alias {
  std::string_view name;
  std::string_view plan_name;
};

constexpr Alias kAliases[] = {
    {"array_iif", "kql.array_iff"},
    {"array_strcat", "kql.strcat_array"},
    {"arraylength", "kql.array_length"},
    {"base64_decodestring", "kql.base64_decode_tostring"},
    {"base64_encodestring", "kql.base64_encode_tostring"},
    {"case", "case"},
    {"columnifexists", "kql.column_ifexists"},
    {"datepart", "kql.datetime_part"},
    {"extractall", "kql.extract_all"},
    {"extractjson", "kql.extract_json"},
    {"floor", "kql.bin"},
    {"getmonth", "kql.monthofyear"},
    {"hash_xxhash64", "kql.hash"},
    {"iff", "if"},
    {"iif", "if"},
    {"make_string", "kql.unicode_codepoints_to_string"},
    {"not", "not"},
    {"notempty", "kql.isnotempty"},
    {"notnull", "kql.isnotnull"},
    {"pack", "kql.bag_pack"},
    {"pack_dictionary", "kql.bag_pack"},
    {"parsejson", "kql.parse_json"},
    {"parseurl", "kql.parse_url"},
    {"parseurlquery", "kql.parse_urlquery"},
    {"replace", "kql.replace"},  // arguments in another order: see the lowering
    {"toboolean", "kql.tobool"},
    {"todouble", "kql.toreal"},
    {"todynamic", "kql.parse_json"},
    {"toobject", "kql.parse_json"},
    {"toscalar", "toscalar"},
    {"totime", "kql.totimespan"},
    {"weekofyear", "kql.week_of_year"},
};

// Result named after the first argument: bin(t, 1h) is t.
constexpr std::string_view kFirstArgument[] = {
    "split",        "tostring",    "tohex",       "todynamic",   "toobject",   "tolong",           "toint",
    "toreal",       "todouble",    "todatetime",  "totimespan",  "totime",     "tobool",           "toboolean",
    "toguid",       "parse_csv",   "parsejson",   "parse_json",  "parse_xml",  "format_datetime",  "format_timespan",
    "startofday",   "bin",         "floor",       "bin_at",      "binary_and", "binary_or",        "binary_xor",
    "binary_not",   "binary_shift_right", "binary_shift_left", "bitset_count_ones", "round",       "ceiling",
    "pow",          "sqrt",        "log",         "log2",        "log10",      "exp",              "exp2",
    "exp10",        "cos",         "sin",         "tan",         "acos",       "asin",             "atan",
    "atan2",        "abs",         "format_bytes"};

struct AggregateName {
  std::string_view name;
  std::string_view plan_name;
  std::string_view prefix;  // "": named after the first argument
};

constexpr AggregateName kAggregates[] = {
    {"any", "kql.take_any", "any"},
    {"anyif", "kql.take_anyif", "anyif"},
    {"arg_max", "kql.arg_max", ""},
    {"arg_min", "kql.arg_min", ""},
    {"argmax", "kql.arg_max", "max"},
    {"argmin", "kql.arg_min", "min"},
    {"avg", "kql.avg", "avg"},
    {"avgif", "kql.avgif", "avgif"},
    {"binary_all_and", "kql.binary_all_and", ""},
    {"binary_all_or", "kql.binary_all_or", ""},
    {"binary_all_xor", "kql.binary_all_xor", ""},
    {"cnt", "kql.count", "cnt"},
    {"count", "kql.count", "count"},
    {"count_distinct", "kql.count_distinct", "count_distinct"},
    {"count_distinctif", "kql.count_distinctif", "count_distinctif"},
    {"countif", "kql.countif", "countif"},
    {"covariance", "kql.covariance", "covariance"},
    {"covariancep", "kql.covariancep", "covariancep"},
    {"dcount", "kql.dcount", "dcount"},
    {"dcountif", "kql.dcountif", "dcountif"},
    {"make_bag", "kql.make_bag", "bag"},
    {"make_bag_if", "kql.make_bag_if", "bag"},
    {"make_dictionary", "kql.make_bag", "dictionary"},
    {"make_list", "kql.make_list", "list"},
    {"make_list_if", "kql.make_list_if", "list"},
    {"make_list_with_nulls", "kql.make_list_with_nulls", "list"},
    {"make_set", "kql.make_set", "set"},
    {"make_set_if", "kql.make_set_if", "set"},
    {"makelist", "kql.make_list", "list"},
    {"makeset", "kql.make_set", "set"},
    {"max", "kql.max", "max"},
    {"maxif", "kql.maxif", "maxif"},
    {"min", "kql.min", "min"},
    {"minif", "kql.minif", "minif"},
    {"percentile", "kql.percentile", "percentile"},
    {"percentiles", "kql.percentile", "percentile"},
    {"percentiles_array", "kql.percentiles_array", "percentiles"},
    {"stdev", "kql.stdev", "stdev"},
    {"stdevif", "kql.stdevif", "stdevif"},
    {"stdevp", "kql.stdevp", "stdevp"},
    {"sum", "kql.sum", "sum"},
    {"sumif", "kql.sumif", "sumif"},
    {"take_any", "kql.take_any", ""},
    {"take_anyif", "kql.take_anyif", ""},
    {"variance", "kql.variance", "variance"},
    {"varianceif", "kql.varianceif", "varianceif"},
    {"variancep", "kql.variancep", "variancep"},
};

constexpr std::string_view kUnsupported[] = {
    "around", "assert", "base64_decode_toguid", "base64_encode_fromarray", "base64_encode_fromguid", "beta_cdf",
    "beta_inv", "beta_pdf", "bag_pack_columns", "bin_auto", "buildschema", "cluster", "column_names_of",
    "convert_angle", "convert_energy", "convert_force", "convert_length", "convert_mass", "convert_speed",
    "convert_temperature", "convert_volume", "covarianceif", "covariancepif", "current_cluster_endpoint",
    "current_cursor", "current_database", "current_node_id", "current_principal", "current_principal_details",
    "current_principal_is_member_of", "cursor_after", "cursor_before_or_at", "cursor_current", "database",
    "datetime_list_timezones", "datetime_local_to_utc", "datetime_utc_to_local", "dcount_hll", "entity_group", "erf",
    "erfc", "estimate_data_size", "extent_id", "extent_tags", "extentid", "external_table", "gamma",
    "geo_info_from_ip_address", "geo_distance_2points", "geo_point_to_geohash", "geo_point_to_h3cell",
    "geo_point_to_s2cell", "geo_point_in_circle", "geo_point_in_polygon", "gzip_compress_to_base64_string",
    "gzip_decompress_from_base64_string", "hash_combine", "hash_many", "hll", "hll_if", "hll_isvalid", "hll_merge",
    "ipv4_range_to_cidr_list", "iscolumnexists", "loggamma", "materialized_view", "merge_tdigest", "new_guid", "next",
    "parse_ipv6", "parse_ipv6_mask", "parse_user_agent", "parse_version", "parse_xml", "percentile_tdigest", "percentilesw",
    "percentilesw_array", "percentilew", "percentiles_array_tdigest", "percentrank_tdigest", "prev",
    "punycode_domain_from_string", "punycode_domain_to_string", "punycode_from_string", "punycode_to_string", "rand",
    "rank_tdigest", "row_cumsum", "row_id", "row_number", "row_rank", "row_rank_dense", "row_rank_min",
    "row_window_session", "stored_query_result", "tdigest", "tdigest_isvalid", "tdigest_merge", "to_utf8", "todecimal",
    "treepath", "variancepif", "welch_test", "workspace", "zlib_compress_to_base64_string",
    "zlib_decompress_from_base64_string"};

Map make_map() {
  Map map;
  for (const std::string_view f : kScalars) map[f.substr(4)] = {FunctionKind::kScalar, f, {}, {}};
  for (const Alias& a : kAliases) map[a.name] = {FunctionKind::kScalar, a.plan_name, {}, {}};
  for (const std::string_view f : kFirstArgument) map[f].result = ResultName::kFirstArgument;
  map["strlen"].result = ResultName::kOwnAndArgument;
  map["string_size"].result = ResultName::kOwnAndArgument;
  map["column_ifexists"].result = ResultName::kLiteral;
  map["columnifexists"].result = ResultName::kLiteral;
  for (const auto& [name, prefix] : {std::pair("gettype", "type"), std::pair("repeat", "repeat")}) {
    map[name].result = ResultName::kPrefixed;
    map[name].prefix = prefix;
  }
  for (const AggregateName& a : kAggregates)
    map[a.name] = {FunctionKind::kAggregate, a.plan_name,
                   a.prefix.empty() ? ResultName::kFirstArgument : ResultName::kPrefixed, a.prefix};
  for (const std::string_view f : kUnsupported) map[f].kind = FunctionKind::kUnsupported;
  return map;
}

const Map& functions() {
  static const Map kMap = make_map();
  return kMap;
}

}  // namespace

std::vector<std::string_view> supported_functions() {
  std::vector<std::string_view> out;
  for (const auto& [name, f] : functions())
    if (f.kind == FunctionKind::kScalar || f.kind == FunctionKind::kAggregate) out.push_back(f.plan_name);
  return out;
}

FunctionName find_function(std::string_view name) {
  if (const auto it = functions().find(name); it != functions().end()) return it->second;
  FunctionName out;
  if (name.starts_with("series_") || name.starts_with("geo_")) out.kind = FunctionKind::kUnsupported;
  return out;
}

}  // namespace postern::lang::kql
