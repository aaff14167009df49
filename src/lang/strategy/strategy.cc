#include "lang/strategy/strategy.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "lang/strategy/binding.h"
#include "lang/strategy/predicate.h"
#include "lang/strategy/stix.h"

namespace postern::lang::strategy {

namespace {

/// A binding's analytic with the file that it comes from.
struct Entry {
  BoundAnalytic analytic;
  const BindingFile* file = nullptr;
};

class Resolver {
 public:
  /// `except`: instead of the STIX file's analytics, all bound ones but these.
  Resolver(const Source& file,
           const StixFile& stix,
           const ReadOptions& options,
           Diagnostics& diag,
           const std::set<std::string>* except = nullptr)
      : file_(file), stix_(stix), options_(options), diag_(diag), except_(except) {}

  std::vector<Analytic> run() {
    // The first file that binds an analytic decides, so that a user's binding goes before ours.
    for (const BindingFile& b : options_.bindings)
      for (BoundAnalytic& a : read_binding(b.source, *b.diagnostics))
        if (std::string id = a.id; !bound_.count(id))
          bound_.emplace(std::move(id), Entry{std::move(a), &b});
    check_settings();
    std::vector<Analytic> out;
    if (except_) {
      for (const auto& [id, entry] : bound_) {
        if (except_->count(id)) continue;
        StixAnalytic own;
        own.id = id;
        own.name = entry.analytic.title.empty() ? id : entry.analytic.title;
        own.strategy = entry.analytic.strategy;
        own.techniques = entry.analytic.attack;
        own.span = entry.analytic.span;
        out.push_back(analytic(own, entry.analytic));
        out.back().binding = static_cast<size_t>(entry.file - options_.bindings.data());
        out.back().info.path = entry.file->source.name;
      }
      return out;
    }
    for (const StixAnalytic& a : stix_.analytics) {
      check_predicates(a);
      const auto entry = bound_.find(a.id);
      if (entry == bound_.end()) {
        unbound(a);
        continue;
      }
      if (covers(a, entry->second)) out.push_back(analytic(a, entry->second.analytic));
    }
    return out;
  }

 private:
  void unbound(const StixAnalytic& a) {
    const std::string platform = a.platforms.empty() ? "" : ", " + a.platforms[0];
    diag_.error("strategy-unbound",
                "analytic " + a.id + " (" + (a.strategy.empty() ? "no strategy" : a.strategy) +
                    platform + ") has no binding",
                a.span, "published as prose; nothing says how to run it",
                "write a binding for it: docs/strategies.md");
  }

  void check_predicates(const StixAnalytic& a) {
    for (const LogSource& s : a.sources) {
      const auto option = predicate_of_command(s.channel);
      if (!option) continue;
      const PredicateCheck check = check_predicate(option->text);
      for (const PredicateFault& f : check.faults)
        diag_.warning(
            "strategy-invalid-predicate",
            a.id + " names a predicate that `log` refuses: " + f.message,
            stix_.places->part(s.channel_node, option->begin + f.begin, option->begin + f.end),
            f.label, check.corrected.empty() ? "" : "meant is: " + check.corrected);
    }
  }

  // Every mutable element and every log source is bound or waived, and the binding names no others.
  bool covers(const StixAnalytic& a, const Entry& entry) {
    const BoundAnalytic& b = entry.analytic;
    bool complete = true;
    std::vector<std::string_view> fields;
    for (const MutableElement& e : a.elements) {
      fields.push_back(e.field);
      const bool bound = std::any_of(b.parameters.begin(), b.parameters.end(),
                                     [&](const BoundParameter& p) { return p.name == e.field; });
      const bool waived = std::any_of(b.waived_elements.begin(), b.waived_elements.end(),
                                      [&](const Waiver& w) { return w.what == e.field; });
      if (bound || waived) continue;
      diag_.error("strategy-unbound-element",
                  "the binding of " + a.id + " has no parameter for its element " + e.field, e.span,
                  e.description, "add a parameter of this name, or waive it with a reason");
      complete = false;
    }
    std::vector<std::string> known;
    for (const LogSource& s : a.sources) {
      known.push_back(s.text());
      const bool required =
          std::any_of(b.sources.begin(), b.sources.end(),
                      [&](const BoundSource& x) { return same(x.name, x.channel, s); });
      const bool waived =
          std::any_of(b.waived_sources.begin(), b.waived_sources.end(),
                      [&](const Waiver& w) { return w.what == s.text() || w.what == s.name; });
      if (!required && !waived) {
        diag_.error("strategy-unbound-source",
                    "the binding of " + a.id + " does not say what provides " + s.text(), s.span,
                    "",
                    "require it with the native tables that provide it, or waive it with a reason");
        complete = false;
      }
    }
    return binding_fits(a, entry, fields, known) && complete;
  }

  static bool same(const std::string& name, const std::string& channel, const LogSource& s) {
    return name == s.name && (channel == s.channel || (channel.empty() && s.channel == "None"));
  }

  void binding_error(
      const BindingFile& file, std::string code, std::string message, Span at, std::string hint) {
    for (const Diagnostic& d : file.diagnostics->all())
      if (d.code == code && d.primary.begin == at.begin && d.message == message) return;
    file.diagnostics->error(std::move(code), std::move(message), at, "", std::move(hint));
  }

  bool binding_fits(const StixAnalytic& a,
                    const Entry& entry,
                    const std::vector<std::string_view>& fields,
                    const std::vector<std::string>& known) {
    bool fits = true;
    auto stranger = [&](const std::string& what, std::string_view kind, Span at,
                        const std::string& near) {
      binding_error(*entry.file, "strategy-unknown-element",
                    a.id + " has no " + std::string(kind) + " " + what, at,
                    near.empty() ? "" : "did you mean `" + near + "`?");
      fits = false;
    };
    auto is_field = [&](const std::string& name) {
      return std::find(fields.begin(), fields.end(), name) != fields.end();
    };
    for (const BoundParameter& p : entry.analytic.parameters) {
      if (!p.own && !is_field(p.name))
        stranger(p.name, "mutable element", p.span, nearest_name(p.name, fields));
      for (const auto& [name, value] : p.values) {
        if (mentions(entry.analytic.query, name)) continue;
        binding_error(
            *entry.file, "strategy-unused-parameter",
            "the query of " + a.id + " does not use " + name, p.span,
            "a parameter that changes nothing is no tuning: use it, or waive the element");
        fits = false;
      }
    }
    for (const Waiver& w : entry.analytic.waived_elements)
      if (!is_field(w.what))
        stranger(w.what, "mutable element", w.span, nearest_name(w.what, fields));
    const std::vector<std::string_view> names(known.begin(), known.end());
    for (const BoundSource& s : entry.analytic.sources) {
      const std::string text = s.channel.empty() ? s.name : s.name + " " + s.channel;
      const auto source = std::find_if(a.sources.begin(), a.sources.end(), [&](const LogSource& x) {
        return same(s.name, s.channel, x);
      });
      if (source == a.sources.end())
        stranger(text, "log source", s.span, nearest_name(text, names));
      else
        fits = event_ids_fit(a, entry, s, *source) && fits;
    }
    return fits;
  }

  // "EventCode=3, 22" is a contract: a binding may not look at other events.
  bool event_ids_fit(const StixAnalytic& a,
                     const Entry& entry,
                     const BoundSource& s,
                     const LogSource& source) {
    const std::vector<int64_t> codes = event_codes(source.channel);
    if (codes.empty()) return true;
    for (const RequiredSource& t : s.tables)
      for (const int64_t id : t.event_ids)
        if (std::find(codes.begin(), codes.end(), id) == codes.end()) {
          binding_error(*entry.file, "strategy-source-mismatch",
                        a.id + " names " + source.channel + ", the binding takes event " +
                            std::to_string(id) + " for it",
                        s.span, "");
          return false;
        }
    return true;
  }

  static bool mentions(std::string_view query, std::string_view name) {
    auto name_char = [](char c) { return ascii_alpha(c) || ascii_digit(c) || c == '_'; };
    for (size_t at = query.find(name); at != std::string_view::npos;
         at = query.find(name, at + 1)) {
      const bool begins = at == 0 || !name_char(query[at - 1]);
      const size_t end = at + name.size();
      if (begins && (end == query.size() || !name_char(query[end]))) return true;
    }
    return false;
  }

  // Settings that no binding knows. A setting for another STIX file's analytic is none of ours.
  void check_settings() {
    for (const auto& [name, value] : options_.settings) {
      const size_t dot = name.find('.');
      if (dot == std::string::npos) {
        diag_.error("strategy-unknown-parameter", "no parameter is called " + name, {}, "",
                    "write the analytic before it: --set AN0380.TransferSizeThreshold=5MB");
        continue;
      }
      const std::string id = name.substr(0, dot);
      const std::string field = name.substr(dot + 1);
      const auto entry = bound_.find(id);
      if (entry == bound_.end()) {
        std::vector<std::string_view> ids;
        for (const auto& [known, unused] : bound_)
          ids.push_back(known);
        const std::string near = nearest_name(id, ids);
        diag_.error("strategy-unknown-parameter",
                    "no binding is called " + id + ": --set " + name + "=" + value, {}, "",
                    near.empty() ? "" : "did you mean `" + near + "." + field + "`?");
        continue;
      }
      std::vector<std::string_view> names;
      for (const BoundParameter& p : entry->second.analytic.parameters)
        names.push_back(p.name);
      const auto p = std::find_if(entry->second.analytic.parameters.begin(),
                                  entry->second.analytic.parameters.end(),
                                  [&](const BoundParameter& x) { return x.name == field; });
      if (p == entry->second.analytic.parameters.end()) {
        const std::string near = nearest_name(field, names);
        std::string all;
        for (const std::string_view n : names)
          all += (all.empty() ? "" : ", ") + std::string(n);
        diag_.error("strategy-unknown-parameter", id + " has no parameter " + field, {}, "",
                    near.empty() ? "it has " + all : "did you mean `" + id + "." + near + "`?");
        continue;
      }
      Result<ParameterValues> values = parameter_from_setting(p->name, p->type, value);
      if (values)
        p->values = std::move(*values);
      else
        diag_.error("strategy-bad-value", "--set " + name + ": " + values.error().message, {}, "",
                    "the parameter takes " + std::string(parameter_example(p->type)));
    }
  }

  Analytic analytic(const StixAnalytic& a, const BoundAnalytic& b) const {
    Analytic out;
    out.info.id = a.id;
    const std::string platform = a.platforms.empty() ? "" : " (" + a.platforms[0] + ")";
    out.info.title = (a.strategy_name.empty() ? a.name : a.strategy_name) + platform;
    out.info.language = "strategy";
    out.info.level = b.level;
    out.info.version = a.version;
    out.info.description = a.description;
    out.info.attack = a.techniques;
    if (!a.strategy.empty()) out.info.tags.push_back(a.strategy);
    for (const std::string& p : a.platforms)
      out.info.tags.push_back(p);
    if (!a.url.empty()) out.info.references.push_back(a.url);
    out.info.false_positives = b.false_positives;
    out.info.path = file_.name;
    std::string declared;
    for (const BoundParameter& p : b.parameters) {
      for (const auto& [name, value] : p.values) {
        declared += (declared.empty() ? "" : ",\n    ") + name + ":" +
                    std::string(kql_type(value)) + " = " + kql_literal(value);
        out.parameters.emplace(name, value);
      }
    }
    if (!declared.empty()) out.query = "declare query_parameters(\n    " + declared + ");\n";
    out.query += b.query;
    for (const BoundSource& s : b.sources)
      out.requirements.push_back({s.channel.empty() ? s.name : s.name + " " + s.channel, s.tables});
    out.key = b.key;
    out.shown = b.shown;
    out.span = a.span;
    return out;
  }

  const Source& file_;
  const StixFile& stix_;
  const ReadOptions& options_;
  Diagnostics& diag_;
  const std::set<std::string>* except_ = nullptr;
  std::map<std::string, Entry, std::less<>> bound_;
};

// Some line that begins with `key`: enough to tell a binding without parsing every YAML file.
bool has_top_level_key(std::string_view text, std::string_view key) {
  for (size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    const bool line_begin =
        at == 0 || text[at - 1] == '\n' || (at == 3 && text.substr(0, 3) == "\xef\xbb\xbf");
    size_t end = at + key.size();
    while (end < text.size() && text[end] == ' ')
      ++end;
    if (line_begin && end < text.size() && text[end] == ':') return true;
  }
  return false;
}

}  // namespace

bool is_binding(const Source& file) {
  const bool yaml =
      ends_with_ignore_case(file.name, ".yml") || ends_with_ignore_case(file.name, ".yaml");
  return yaml && has_top_level_key(file.text, "strategy") &&
         has_top_level_key(file.text, "analytics");
}

bool recognises(const Source& file) {
  const size_t first = file.text.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  if (first == std::string_view::npos || (file.text[first] != '{' && file.text[first] != '['))
    return false;
  return file.text.find("\"x-mitre-analytic\"") != std::string_view::npos ||
         file.text.find("\"x-mitre-detection-strategy\"") != std::string_view::npos;
}

std::vector<Analytic> read_bound(const ReadOptions& options,
                                 const std::set<std::string>& except,
                                 Diagnostics& diag) {
  if (options.bindings.empty()) return {};
  return Resolver(options.bindings.front().source, StixFile{}, options, diag, &except).run();
}

std::vector<Analytic> read(const Source& stix, const ReadOptions& options, Diagnostics& diag) {
  const std::optional<StixFile> file = read_stix(stix, diag);
  if (!file) return {};
  return Resolver(stix, *file, options, diag).run();
}

}  // namespace postern::lang::strategy
