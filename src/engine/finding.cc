#include "engine/finding.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace postern::engine {
namespace {

// Names of the machine and of the account, as native tables and vocabularies have them; first hit
// wins.
constexpr std::array<std::string_view, 16> kHostNames = {
    "Computer",       "DeviceName",     "DvcHostname", "Host",
    "host",           "Hostname",       "dvc",         "node",
    "hostname",       "hostIdentifier", "dest_host",   "SrcHostname",
    "SourceHostname", "src_host",       "host.name",   "Dvc"};
constexpr std::array<std::string_view, 13> kUserNames = {
    "User",           "user",
    "AccountName",    "InitiatingProcessAccountName",
    "TargetUserName", "SubjectUserName",
    "ActorUsername",  "SrcUsername",
    "auid_name",      "uid_name",
    "username",       "UserName",
    "user.name"};

using Ranks = std::unordered_map<std::string_view, size_t>;

template <class Names>
Ranks ranks_of(const Names& names) {
  Ranks out;
  for (size_t i = 0; i < names.size(); ++i)
    out.emplace(names[i], i);
  return out;
}

const Ranks& hosts() {
  static const Ranks kHosts = ranks_of(kHostNames);
  return kHosts;
}

const Ranks& users() {
  static const Ranks kUsers = ranks_of(kUserNames);
  return kUsers;
}

/// Columns whose names have a rank, the first rank first.
std::vector<size_t> places(const Finding& f, const Ranks& ranks) {
  std::vector<std::pair<size_t, size_t>> found;
  for (size_t i = 0; i < f.row.size(); ++i)
    if (const auto rank = ranks.find(f.row[i].first); rank != ranks.end())
      found.emplace_back(rank->second, i);
  std::sort(found.begin(), found.end());
  std::vector<size_t> out;
  for (const auto& [rank, i] : found)
    out.push_back(i);
  return out;
}

std::string first_of(const Finding& f, const std::vector<size_t>& places) {
  for (const size_t i : places) {
    const data::Value& value = f.row[i].second;
    if (value.is_null()) continue;
    std::string text = value.text();
    if (!text.empty() && text != "-") return text;
  }
  return "";
}

}  // namespace

std::string host_column(const plan::TableDef& table) {
  for (const std::string_view name : kHostNames)
    if (table.find(name)) return std::string(name);
  return "";
}

std::vector<Reason> window_reasons(const plan::WindowSpec& spec) {
  static constexpr const char* kOps[] = {"<", "<=", ">", ">=", "==", "!="};
  std::vector<Reason> out;
  for (const plan::WindowBound& b : spec.bounds) {
    const bool whole = b.value == std::floor(b.value) && std::abs(b.value) < 1e15;
    out.push_back(
        {spec.name, kOps[static_cast<size_t>(b.op)],
         whole ? data::Value::integer(static_cast<int64_t>(b.value)) : data::Value::real(b.value)});
  }
  if (!spec.terms.empty())
    out.push_back({"rules", spec.ordered ? "in order" : "together",
                   data::Value::string(plan::to_text(spec))});
  return out;
}

EntityPlaces::EntityPlaces(const Finding& f)
    : hosts_(places(f, hosts())), users_(places(f, users())) {}

void EntityPlaces::name(Finding& f) const {
  f.host = first_of(f, hosts_);
  f.user = first_of(f, users_);
}

void name_entities(Finding& f) {
  if (f.host.empty()) f.host = first_of(f, places(f, hosts()));
  if (f.user.empty()) f.user = first_of(f, places(f, users()));
}

bool before(const Finding& a, const Finding& b) {
  if (a.time != b.time) return a.time < b.time;
  if (a.rule != b.rule) {
    if (a.rule->title != b.rule->title) return a.rule->title < b.rule->title;
    if (a.rule->id != b.rule->id) return a.rule->id < b.rule->id;
    if (a.rule->path != b.rule->path) return a.rule->path < b.rule->path;
  }
  const size_t n = std::min(a.evidence.size(), b.evidence.size());
  for (size_t i = 0; i < n; ++i) {
    if (a.evidence[i].path != b.evidence[i].path) return a.evidence[i].path < b.evidence[i].path;
    if (a.evidence[i].offset != b.evidence[i].offset)
      return a.evidence[i].offset < b.evidence[i].offset;
    if (a.evidence[i].record != b.evidence[i].record)
      return a.evidence[i].record < b.evidence[i].record;
  }
  if (a.evidence.size() != b.evidence.size()) return a.evidence.size() < b.evidence.size();
  for (size_t i = 0; i < std::min(a.row.size(), b.row.size()); ++i) {
    const std::string x = a.row[i].second.text();
    const std::string y = b.row[i].second.text();
    if (x != y) return x < y;
  }
  return a.row.size() < b.row.size();
}

}  // namespace postern::engine
