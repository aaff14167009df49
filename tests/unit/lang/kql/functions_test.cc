// Scalar functions by their answers; each line is one rule that the documentation or the engine
// states.
#include <gtest/gtest.h>

#include "kql_run.h"

namespace postern::lang::kql {
namespace {

using testing::value_of;

struct Case {
  const char* expression;
  const char* answer;
};

void check(std::initializer_list<Case> cases) {
  for (const Case& c : cases)
    EXPECT_EQ(value_of(c.expression), c.answer) << c.expression;
}

TEST(KqlFunctions, TermsFallOnBorders) {
  check({{"'foo\\\\bar' has 'bar'", "bool:true"},
         {"'foobar' has 'bar'", "bool:false"},
         {"'alpha_beta' has 'alpha'", "bool:true"},
         {"'a b' has ' '", "bool:true"},
         {"'version=1.2.3' has '2.3'", "bool:true"},
         {"'NAÏVE' has 'naïve'", "bool:true"},
         {"'xé' has 'x'", "bool:false"},
         {"'anything' has ''", "bool:true"},
         {"'end.' hassuffix 'end'", "bool:true"},
         {"'a.b.c' has_all ('a', 'c')", "bool:true"},
         {"'a.b.c' has_any ('x', 'B')", "bool:true"},
         {"'port 25' has_any (25, 26)", "bool:true"},
         {"'aab ab' has 'ab'", "bool:true"}});
}

TEST(KqlFunctions, ComparisonsAcrossTypes) {
  check({{"toint(5) == '5'", "bool:true"},
         {"toint(5) == 'x'", "bool:false"},
         {"toint(5) != 'x'", "bool:true"},
         {"datetime(2024-01-01) == '2024-01-01'", "bool:true"},
         {"1d == '1.00:00:00'", "bool:true"},
         {"true == 1", "bool:true"},
         {"1 == 1.0", "bool:true"},
         {"real(nan) == real(nan)", "bool:false"},
         {"real(nan) != real(nan)", "bool:true"},
         {"int(null) == 1", "bool:false"},
         {"int(null) != 1", "bool:true"},
         {"int(null) == int(null)", "bool:null"},
         {"int(null) < 1", "bool:null"},
         {"dynamic({'a':1}).a == 1", "bool:true"},
         {"dynamic({'a':'x'}).a == 'x'", "bool:true"},
         {"'a' < 'b'",
          "error kql-type-mismatch: order is not defined for string and string; use strcmp()"},
         {"1d > 5", "error kql-type-mismatch: order is not defined for timespan and long"}});
}

TEST(KqlFunctions, ListsHoldValuesAndArrays) {
  check({{"5 in (1, 5.0)", "bool:true"},
         {"toint(25) in ('25')", "bool:true"},
         {"'A' in~ ('a')", "bool:true"},
         {"'b' in (dynamic(['a', 'b']))", "bool:true"},
         {"int(null) in (1)", "bool:false"},
         {"int(null) !in (1)", "bool:true"},
         {"datetime(2024-01-01) in (datetime(2024-01-01))", "bool:true"},
         {"2 between (1 .. 2)", "bool:true"},
         {"2 !between (1 .. 2)", "bool:false"},
         {"datetime(2024-01-02) between (datetime(2024-01-01) .. 1d)", "bool:true"}});
}

TEST(KqlFunctions, Arithmetic) {
  check({{"-7 / 2", "long:-3"},
         {"-7 % 3", "long:2"},
         {"7 % -3", "long:1"},
         {"-7.5 % 2", "real:0.5"},
         {"1 / 0", "long:null"},
         {"1.0 / 0", "real:Infinity"},
         {"9223372036854775807 + 1", "long:-9223372036854775808"},
         {"int(2147483647) + int(1)", "long:2147483648"},
         {"1d * 2", "timespan:2.00:00:00"},
         {"1d / 1h", "real:24"},
         {"1d % 5h", "timespan:04:00:00"},
         {"1d * 1.5", "timespan:1.12:00:00"},
         {"datetime(9999-12-31 23:59:59.9999999) + 1tick", "datetime:null"},
         {"bin(-0.5, 1)", "real:-1"},
         {"bin(int(7), 4)", "long:4"},
         {"bin(datetime(1955-11-05), 7d)", "datetime:1955-10-31T00:00:00Z"},
         {"bin_at(6.5, 2.5, 7)", "real:4.5"},
         {"round(2.675, 2)", "real:2.68"},
         {"round(-2.5)", "real:-3"},
         {"abs(-9223372036854775807)", "long:9223372036854775807"},
         {"min_of(real(nan), 1.0)", "real:NaN"},
         {"max_of(1, 2.5)", "real:2.5"},
         {"log(-1.0)", "real:null"},
         {"binary_shift_left(1, 65)", "long:2"},
         {"'a' + 'b'",
          "error kql-type-mismatch: `+` is not defined for string and string; join strings with "
          "strcat()"}});
}

TEST(KqlFunctions, Conversions) {
  check({{"toint('3.14')", "int:null"},
         {"toint(' 42 ')", "int:42"},
         {"toint('0x1F')", "int:31"},
         {"toint(-2.9)", "int:-2"},
         {"toint(2147483648)", "int:-2147483648"},
         {"tolong('9223372036854775808')", "long:null"},
         {"tolong(real(+inf))", "long:null"},
         {"todouble('Infinity')", "real:Infinity"},
         {"todouble('INF')", "real:null"},
         {"tobool('yes')", "bool:null"},
         {"tobool('1')", "bool:true"},
         {"tostring(true)", "string:True"},
         {"tostring(1.0)", "string:1.0"},
         {"tostring(1e20)", "string:1e+20"},
         {"tostring(dynamic(true))", "string:true"},
         {"tostring(dynamic({'a':[1, 1.5]}))", "string:{\"a\":[1,1.5]}"},
         {"tostring(int(null))", "string:"},
         {"todatetime('6/15/2020 1:45 PM')", "datetime:2020-06-15T13:45:00Z"},
         {"todatetime('soon')", "datetime:null"},
         {"totimespan('13:00')", "timespan:13:00:00"},
         {"toguid('{74BE27DE1E4E49D9B579FE0B331D3642}')",
          "string:74be27de-1e4e-49d9-b579-fe0b331d3642"},
         {"tohex(255, 4)", "string:00ff"},
         {"gettype(dynamic(1.5))", "string:double"},
         {"isnull('')", "bool:false"},
         {"isempty('')", "bool:true"},
         {"isempty(int(null))", "bool:true"},
         {"coalesce('', 'x')", "string:x"},
         {"coalesce(int(null), 2)", "long:2"}});
}

TEST(KqlFunctions, Strings) {
  check({{"substring('hello', -3, 2)", "string:ll"},
         {"substring('hello', -100)", "string:"},
         {"substring('héé', 1, 1)", "string:é"},
         {"indexof('abcabc', 'a', 2)", "long:3"},
         {"indexof('abc', '')", "long:null"},
         {"split('a,,b', ',')", "dynamic:[\"a\",\"\",\"b\"]"},
         {"split('a,b', ',', 5)", "dynamic:null"},
         {"strcat('a', 1, true, int(null))", "string:a1True"},
         {"strcat_array(dynamic([1, null, 'x']), '-')", "string:1--x"},
         {"toupper('éß')", "string:Éß"},
         {"tolower('ÀΩЖ')", "string:àωж"},
         {"reverse('aé😀')", "string:😀éa"},
         {"strlen('😀')", "long:1"},
         {"string_size('😀')", "long:4"},
         {"countof('aaa', 'aa')", "long:2"},
         {"countof('aaa', 'a+', 'regex')", "long:1"},
         {"replace_string('abab', '', 'x')", "string:abab"},
         {"translate('abc', 'x', 'aabz')", "string:xxxz"},
         {"strrep('ab', 2, '-')", "string:ab-ab"},
         {"strcmp('a', 'b')", "long:-1"},
         {"format_bytes(564.0 * 1024)", "string:564 KB"}});
}

TEST(KqlFunctions, Regexes) {
  check({{"extract('(a)(b)', 2, 'xab')", "string:b"},
         {"extract('z', 0, 'xab')", "string:"},
         {"extract('(\\\\d+)', 1, 'a12', typeof(long))", "long:12"},
         {"extract_all('(a)(b)?', 'aab')", "dynamic:[[\"a\",\"\"],[\"a\",\"b\"]]"},
         {"extract_all('(z)', 'a')", "dynamic:null"},
         {"extract_all('z', 'a')",
          "error kql-bad-argument: extract_all() needs a regex with at least one capturing group"},
         {"replace_regex('one two', '(\\\\w)(\\\\w)', '\\\\2\\\\1')", "string:noe wto"},
         {"trim('x', 'xxabcxx')", "string:xabcx"},
         {"trim('a*', 'aathisaa')", "string:this"},
         {"trim_end('y', 'yy')", "string:y"},
         {"regex_quote('(a.b)')", "string:\\(a\\.b\\)"},
         {"'É1' matches regex '^\\\\w\\\\d$'", "bool:true"}});
  EXPECT_EQ(value_of("'a' matches regex '('").substr(0, 24), "error kql-bad-argument: ");
}

TEST(KqlFunctions, TextsTakenApart) {
  check(
      {{"parse_url('https://u:p@h.x:8443/a/b?k=v&l=1%202#f').Path", "dynamic:/a/b"},
       {"parse_url('https://u:p@h.x:8443/a/b?k=v&l=1%202#f')['Query Parameters'].l", "dynamic:1 2"},
       {"parse_url('https://[::1]:25/').Host", "dynamic:[::1]"},
       {"parse_path(@'C:\\temp\\file.tar.gz:s').Extension", "dynamic:gz"},
       {"parse_path('/usr/lib/x').DirectoryName", "dynamic:lib"},
       {"parse_csv('a,\"b,\"\"c\"\"\"\\nx')", "dynamic:[\"a\",\"b,\\\"c\\\"\"]"},
       {"parse_command_line(@'\"C:\\a b\\x.exe\" -k \"\\\"q\\\"\"', 'windows')",
        "dynamic:[\"C:\\\\a b\\\\x.exe\",\"-k\",\"\\\"q\\\"\"]"},
       {"extract_json('$.a[0].b', '{\"a\":[{\"b\":5}]}', typeof(long))", "long:5"},
       {"base64_decode_tostring('S3VzdG8=')", "string:Kusto"},
       {"base64_decode_tostring('U3RyaW5n0KHR0tGA0L7Rh9C60LA=')", "string:"},
       {"url_encode('a b/é')", "string:a+b%2f%c3%a9"},
       {"hash('World')", "long:1846988464401551951"},
       {"hash(datetime(2015-01-01))", "long:1380966698541616202"},
       {"hash_sha256(datetime(2020-01-01))",
        "string:ba666752dc1a20eb750b0eb64e780cc4c968bc9fb8813461c1d7e750f302d71d"}});
}

TEST(KqlFunctions, DynamicValues) {
  check({{"dynamic({'a':{'b':[1,2]}}).a.b[1]", "dynamic:2"},
         {"dynamic([1,2,3])[-1]", "dynamic:3"},
         {"dynamic({'a':1}).A", "dynamic:null"},
         {"dynamic('text').x", "dynamic:null"},
         {"parse_json('not json')", "dynamic:not json"},
         {"array_length(dynamic({'a':1}))", "long:null"},
         {"array_slice(dynamic([1,2,3,4]), 1, -2)", "dynamic:[2,3]"},
         {"array_sort_asc(dynamic([3,'b',1,null,'a']))", "dynamic:[1,3,\"a\",\"b\",null]"},
         {"array_split(dynamic([1,2,3]), 1)", "dynamic:[[1],[2,3]]"},
         {"array_rotate_left(dynamic([1,2,3]), -1)", "dynamic:[3,1,2]"},
         {"array_shift_right(dynamic([1,2]), 5, 0)", "dynamic:[0,0]"},
         {"array_index_of(dynamic([1, 2.0]), 2)", "long:1"},
         {"bag_merge(dynamic({'a':1}), dynamic({'a':2,'b':3}))", "dynamic:{\"a\":1,\"b\":3}"},
         {"bag_pack('a', 1, 'b', int(null))", "dynamic:{\"a\":1,\"b\":null}"},
         {"bag_remove_keys(dynamic({'a':{'b':1,'c':2}}), dynamic(['$.a.b']))",
          "dynamic:{\"a\":{\"c\":2}}"},
         {"set_union(dynamic([1,1.0,'1']), dynamic([2]))", "dynamic:[1,\"1\",2]"},
         {"set_difference(dynamic([1,2]), dynamic([2]))", "dynamic:[1]"},
         {"jaccard_index(dynamic([1,2]), dynamic([2,3]))", "real:0.3333333333333333"},
         {"range(1, 10, 4)", "dynamic:[1,5,9]"},
         {"array_length(range(1, 100000000))", "long:1048576"},
         {"zip(dynamic([1,2]), dynamic([3]))", "dynamic:[[1,3],[2,null]]"},
         {"dynamic_to_json(dynamic({'b':1,'a':2}))", "string:{\"a\":2,\"b\":1}"}});
}

TEST(KqlFunctions, Times) {
  check(
      {{"now()", "datetime:2026-01-02T03:04:05Z"},
       {"ago(1d)", "datetime:2026-01-01T03:04:05Z"},
       {"startofweek(datetime(2020-06-15))", "datetime:2020-06-14T00:00:00Z"},
       {"endofmonth(datetime(2024-02-10))", "datetime:2024-02-29T23:59:59.9999999Z"},
       {"endofyear(datetime(9999-05-05))", "datetime:9999-12-31T23:59:59.9999999Z"},
       {"datetime_add('month', -1, datetime(2020-03-31))", "datetime:2020-02-29T00:00:00Z"},
       {"datetime_diff('week', datetime(2017-10-29), datetime(2017-09-30 23:59))", "long:5"},
       {"datetime_diff('nanosecond', datetime(2017-10-30), datetime(2017-10-30 00:00:00.0000007))",
        "long:-700"},
       {"datetime_part('weekofyear', datetime(2016-01-01))", "int:53"},
       {"week_of_year(datetime(2018-12-31))", "int:1"},
       {"dayofweek(datetime(1970-05-11))", "timespan:1.00:00:00"},
       {"make_datetime(2017, 10, 1, 12, 11, 0.1234567)", "datetime:2017-10-01T12:11:00.1234567Z"},
       {"make_timespan(25, 70)", "timespan:null"},
       {"format_datetime(datetime(2007-03-09 05:04:03), 'ddd MMM')", "string:099 033"},
       {"format_datetime(datetime(2020-01-01), 'yyyyT')",
        "error kql-bad-argument: not a format: yyyyT"},
       {"format_timespan(-1h, 'hh:mm')", "string:-01:00"},
       {"unixtime_milliseconds_todatetime(1546300800001)", "datetime:2019-01-01T00:00:00.001Z"},
       {"datetime_add('fortnight', 1, now())",
        "error kql-bad-argument: not a part of a datetime: fortnight"}});
}

TEST(KqlFunctions, Addresses) {
  check({{"ipv4_is_private('169.254.0.1')", "bool:false"},
         {"ipv4_is_private('host')", "bool:null"},
         {"ipv4_is_match('192.168.1.1/24', '192.168.1.255')", "bool:true"},
         {"ipv4_is_match('192.168.1.1', '192.168.1.0', 31)", "bool:true"},
         {"ipv4_compare('10.0.0.1', '10.0.0.2')", "long:-1"},
         {"ipv4_is_in_any_range('1.2.3.4', dynamic(['1.2.0.0/16']))", "bool:true"},
         {"ipv6_is_match('::ffff:1.2.3.4', '1.2.3.4')", "bool:true"},
         {"parse_ipv4('192.168.1.1/24')", "long:3232235776"},
         {"format_ipv4_mask('192.168.1.1', 24)", "string:192.168.1.0/24"},
         {"has_ipv4('at 127.0.0.1:80', '127.0.0.1')", "bool:true"},
         {"has_ipv4_prefix('x127.0.0.1', '127.0.')", "bool:false"}});
}

TEST(KqlFunctions, ArgumentsOfWrongTypesAreTold) {
  EXPECT_EQ(value_of("tolower()").substr(0, 24), "error kql-argument-count");
  EXPECT_EQ(value_of("array_length(5)"),
            "error kql-type-mismatch: argument 1 must be an array or a property bag, but is long");
  EXPECT_EQ(value_of("datetime_diff('day', 1, now())"),
            "error kql-type-mismatch: argument 2 must be a datetime, but is long");
}

}  // namespace
}  // namespace postern::lang::kql
