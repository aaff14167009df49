#include "engine/finding_maker.h"

#include <algorithm>

namespace postern::engine {
namespace {

bool is_among(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

data::Value value_at(const exec::Chunk& c, size_t column, uint32_t row) {
  return c.columns[column].type() == data::Type::kNull ? data::Value()
                                                       : c.columns[column].value(row);
}

}  // namespace

FindingMaker::FindingMaker(const LoadedRule& rule) : rule_(rule) {
  const plan::Schema& schema = rule.compiled->schema();
  const bool windowed = rule.optimized->kind == plan::OpKind::kTimeWindow;
  finding_.rule = &rule.rule.info;
  finding_.degraded = rule.report.degraded;
  if (windowed) finding_.why = window_reasons(*rule.optimized->window);
  for (size_t i = 0; i < schema.size(); ++i) {
    if (windowed && schema[i].name == plan::kWindowFrom) {
      window_from_ = i;
      continue;
    }
    if (windowed && schema[i].name == plan::kWindowTo) {
      window_to_ = i;
      continue;
    }
    if (is_among(rule.key, schema[i].name)) keys_.push_back(i);
    // A strategy's query may date its finding itself: by the first packet, not by the process
    // before it.
    if (!rule.requirements.empty() && schema[i].name == "time" &&
        schema[i].type == data::Type::kDatetime)
      time_ = i;
    if (!rule.shown.empty() && !is_among(rule.shown, schema[i].name)) continue;
    shown_.push_back(i);
    finding_.row.emplace_back(schema[i].name, data::Value());
  }
  entities_ = EntityPlaces(finding_);
}

Finding& FindingMaker::make(const exec::Chunk& chunk, uint32_t row, std::optional<Window> window) {
  Finding& f = finding_;
  f.time = chunk.times[row];
  f.window = window;
  if (rule_.optimized->kind == plan::OpKind::kTimeWindow) {
    f.window = Window{};
    if (window_from_) f.window->from = value_at(chunk, *window_from_, row).as_int();
    if (window_to_) f.window->to = value_at(chunk, *window_to_, row).as_int();
  }
  if (time_)
    if (const data::Value time = value_at(chunk, *time_, row); !time.is_null())
      f.time = time.as_int();
  for (size_t i = 0; i < shown_.size(); ++i)
    f.row[i].second = value_at(chunk, shown_[i], row);
  entities_.name(f);
  return f;
}

std::string FindingMaker::key(const exec::Chunk& chunk, uint32_t row) const {
  std::string key;
  for (const size_t i : keys_)
    key += value_at(chunk, i, row).json() + '\x1f';
  return key;
}

}  // namespace postern::engine
