#include "check/prove.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "adapt/yaml.h"
#include "data/value.h"
#include "input/format.h"

namespace postern::check {

using data::json_string;
using engine::LoadedRule;

namespace {

constexpr size_t kMaxRounds = 8;
constexpr Evidence kForms[] = {Evidence::kJsonLines, Evidence::kAuditLog, Evidence::kSyslog};

/// Lines of one form, and which events they hold.
struct Sheet {
  std::string text;
  std::map<uint64_t, size_t> by_offset;

  void add(const std::string& line, size_t event) {
    by_offset[text.size()] = event;
    text += line + "\n";
  }
};

engine::Feed feed_of(const std::string& text) {
  return [&text](input::DecodeContext& context) {
    const input::Format* format = input::detect_format(
        std::string_view(text).substr(0, std::min<size_t>(text.size(), size_t{64} * 1024)));
    if (format) format->decode({"witness", text, nullptr}, context);
  };
}

/// An event to be judged: which rule, and whether it fired.
struct Trial {
  const LoadedRule* rule = nullptr;
  const EventText* text = nullptr;
  bool fired = false;
};

void run(const engine::RuleSet& rules, engine::HuntOptions hunt, std::vector<Trial>& trials) {
  std::map<Evidence, Sheet> sheets;
  for (size_t i = 0; i < trials.size(); ++i)
    sheets[trials[i].text->form].add(trials[i].text->line, i);
  hunt.feeds.clear();
  hunt.evidence.clear();
  std::map<std::string, const Sheet*> by_path;
  for (const Evidence form : kForms) {
    const auto it = sheets.find(form);
    if (it == sheets.end()) continue;
    by_path[engine::feed_path(hunt.feeds.size())] = &it->second;
    hunt.feeds.push_back(feed_of(it->second.text));
  }
  engine::Progress progress;
  const std::atomic<bool> never{false};
  const engine::HuntResult result = engine::hunt(rules, hunt, progress, never);
  for (const engine::Finding& f : result.findings)
    for (const engine::EvidenceRef& e : f.evidence) {
      const auto sheet = by_path.find(e.path);
      if (sheet == by_path.end()) continue;
      // A row may begin inside of its line (the columns of an osquery result).
      const auto next = sheet->second->by_offset.upper_bound(e.offset);
      if (next == sheet->second->by_offset.begin()) continue;
      Trial& t = trials[std::prev(next)->second];
      t.fired = t.fired || &t.rule->rule.info == f.rule;
    }
}

class Prover {
 public:
  Prover(const engine::RuleSet& rules, const engine::HuntOptions& hunt)
      : rules_(rules), hunt_(hunt) {}

  Proofs run_all() {
    refused();
    for (const LoadedRule& r : rules_.rules()) {
      if (rules_.files()[r.file].path.rfind("builtin:", 0) == 0) continue;
      Proof p;
      p.rule = &r;
      p.title = r.rule.info.title;
      p.id = r.rule.info.id;
      p.path = rules_.files()[r.file].path;
      if (r.rule.info.language != "sigma" || r.rule.kind != plan::RuleKind::kEvent)
        p.reason = "not a rule about single events";
      else if (!r.report.never.empty())
        p.reason = r.report.never;
      else
        open_.push_back(out_.all.size());
      out_.all.push_back(std::move(p));
    }
    for (size_t round = 0; round < kMaxRounds && !open_.empty(); ++round)
      one_round(round);
    for (const Proof& p : out_.all) {
      out_.num_proven += p.fires ? 1 : 0;
      if (!p.fires) continue;
      for (const ProvenNearMiss& m : p.near_misses) {
        const bool implied = m.text.line.empty() && m.reason.starts_with("impossible: ");
        ++(implied ? out_.num_implied : out_.num_conditions);
        out_.num_near_misses += m.silent ? 1 : 0;
      }
    }
    return std::move(out_);
  }

 private:
  void refused() {
    for (const engine::RuleFile& f : rules_.files()) {
      if (f.path.rfind("builtin:", 0) == 0) continue;
      if (f.num_refused == 0) continue;
      const std::vector<const Diagnostic*> errors = first_errors(f);
      for (size_t i = 0; i < f.num_refused; ++i) {
        Proof p;
        p.path = f.path;
        p.title = f.path.substr(f.path.rfind('/') + 1);
        p.reason = "refused";
        if (!errors.empty()) {
          const Diagnostic& d = *errors[std::min(i, errors.size() - 1)];
          p.reason += ": " + d.message;
          if (errors.size() > 1)
            p.title += ":" + std::to_string(line_column(f.text, d.primary.begin).line);
        }
        out_.all.push_back(std::move(p));
      }
    }
  }

  /// Of each document with errors the first one, in the order of the documents.
  static std::vector<const Diagnostic*> first_errors(const engine::RuleFile& f) {
    std::map<size_t, const Diagnostic*> first;  // by number of the document
    const std::vector<Span> documents = adapt::yaml_documents(f.text);
    for (const Diagnostic& d : f.diagnostics.all()) {
      if (d.severity != Severity::kError) continue;
      const auto at = std::upper_bound(
          documents.begin(), documents.end(), d.primary.begin,
          [](uint32_t place, const Span& document) { return place < document.begin; });
      const Diagnostic*& known = first[static_cast<size_t>(at - documents.begin())];
      if (!known || d.primary.begin < known->primary.begin) known = &d;
    }
    std::vector<const Diagnostic*> out;
    for (const auto& [document, error] : first)
      out.push_back(error);
    return out;
  }

  void one_round(size_t round) {
    const plan::Catalog& catalog = rules_.setup().catalog;
    std::vector<size_t> again;
    std::vector<size_t> made;
    for (const size_t i : open_) {
      Proof& p = out_.all[i];
      if (round >= num_branches(*p.rule)) {
        if (p.reason.empty()) p.reason = "no table behind its log source can be written";
        continue;
      }
      WitnessResult w = make_witness(*p.rule, catalog, round);
      std::optional<EventText> text;
      if (w.witness) text = event_text(w.witness->event, catalog, ++serial_);
      if (!text) {
        // The reason of the first table is the one to tell: it is the log source's own.
        if (p.reason.empty())
          p.reason = w.witness ? "no way to write events of " + w.witness->event.table : w.reason;
        again.push_back(i);
        continue;
      }
      p.table = w.witness->event.table;
      p.text = std::move(*text);
      p.near_misses.clear();
      for (NearMiss& m : w.witness->near_misses) {
        ProvenNearMiss out;
        out.condition = std::move(m.condition);
        out.reason = std::move(m.reason);
        if (m.event)
          if (std::optional<EventText> t = event_text(*m.event, catalog, ++serial_))
            out.text = std::move(*t);
        p.near_misses.push_back(std::move(out));
      }
      made.push_back(i);
    }
    judge(made, again);
    open_ = std::move(again);
  }

  void judge(const std::vector<size_t>& made, std::vector<size_t>& again) {
    std::vector<Trial> trials;
    for (const size_t i : made) {
      Proof& p = out_.all[i];
      trials.push_back({p.rule, &p.text, false});
      for (const ProvenNearMiss& m : p.near_misses)
        if (!m.text.line.empty()) trials.push_back({p.rule, &m.text, false});
    }
    run(rules_, hunt_, trials);
    size_t at = 0;
    for (const size_t i : made) {
      Proof& p = out_.all[i];
      p.fires = trials[at++].fired;
      for (ProvenNearMiss& m : p.near_misses)
        if (!m.text.line.empty()) m.silent = !trials[at++].fired;
      if (p.fires) {
        p.reason.clear();
        continue;
      }
      if (p.reason.empty()) p.reason = "the event made for " + p.table + " does not make it fire";
      again.push_back(i);
    }
  }

  const engine::RuleSet& rules_;
  const engine::HuntOptions& hunt_;
  Proofs out_;
  std::vector<size_t> open_;
  uint64_t serial_ = 0;
};

}  // namespace

Proofs prove(const engine::RuleSet& rules, const engine::HuntOptions& hunt) {
  return Prover(rules, hunt).run_all();
}

void write_text(std::ostream& out, const Proofs& proofs, bool verbose) {
  for (const Proof& p : proofs.all) {
    if (!p.fires) {
      out << "no witness: " << p.title << " (" << p.path << "): " << p.reason << '\n';
      if (verbose && !p.text.line.empty()) out << "  " << p.text.line << '\n';
      continue;
    }
    for (const ProvenNearMiss& m : p.near_misses) {
      if (m.silent) continue;
      if (!m.text.line.empty())
        out << "near miss fires: " << p.title << " (" << p.path << "): " << m.condition << "\n  "
            << m.text.line << '\n';
      else if (verbose)
        out << "no near miss: " << p.title << " (" << p.path << "): " << m.condition << ": "
            << m.reason << '\n';
    }
  }
  out << proofs.num_near_misses << " of " << proofs.num_conditions
      << " conditions have a near miss that stays silent\n";
  if (proofs.num_implied > 0)
    out << proofs.num_implied << (proofs.num_implied == 1 ? " other follows" : " others follow")
        << " from the rest of the rule: no event misses only that\n";
  out << proofs.num_proven << " of " << proofs.all.size() << " rules have a witness\n";
}

void write_jsonl(std::ostream& out, const Proofs& proofs) {
  for (const Proof& p : proofs.all) {
    out << "{\"rule\":{\"id\":" << json_string(p.id) << ",\"title\":" << json_string(p.title)
        << ",\"path\":" << json_string(p.path) << "},\"fires\":" << (p.fires ? "true" : "false");
    if (!p.fires) out << ",\"reason\":" << json_string(p.reason);
    if (!p.text.line.empty())
      out << ",\"table\":" << json_string(p.table) << ",\"witness\":" << json_string(p.text.line);
    out << ",\"near_misses\":[";
    bool first = true;
    for (const ProvenNearMiss& m : p.near_misses) {
      out << (first ? "" : ",") << "{\"condition\":" << json_string(m.condition);
      if (m.text.line.empty())
        out << ",\"reason\":" << json_string(m.reason) << "}";
      else
        out << ",\"silent\":" << (m.silent ? "true" : "false")
            << ",\"event\":" << json_string(m.text.line) << "}";
      first = false;
    }
    out << "]}\n";
  }
}

Result<bool> write_evidence(const std::string& folder, const Proofs& proofs) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);

  struct File {
    std::string name;
    std::string text;
    size_t lines = 0;
  };

  // By form, witnesses first.
  File files[] = {{"witness.ndjson", "", 0},      {"witness.audit.log", "", 0},
                  {"witness.syslog.log", "", 0},  {"near-miss.ndjson", "", 0},
                  {"near-miss.audit.log", "", 0}, {"near-miss.syslog.log", "", 0}};
  std::string index;
  const auto add = [&](const Proof& p, const EventText& t, bool witness,
                       const std::string& condition) {
    File& f = files[(witness ? 0 : kNumEvidenceForms) + static_cast<size_t>(t.form)];
    f.text += t.line + "\n";
    ++f.lines;
    index += "{\"rule\":" + json_string(p.id) + ",\"file\":" + json_string(f.name) +
             ",\"line\":" + std::to_string(f.lines) +
             (witness ? "" : ",\"condition\":" + json_string(condition)) + "}\n";
  };
  for (const Proof& p : proofs.all) {
    if (!p.fires) continue;
    add(p, p.text, true, "");
    for (const ProvenNearMiss& m : p.near_misses)
      if (m.silent) add(p, m.text, false, m.condition);
  }
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream out(folder + "/" + name, std::ios::binary);
    out << text;
    out.close();
    return out.good();
  };
  bool ok = write("index.jsonl", index);
  for (const File& f : files)
    if (f.lines > 0) ok = write(f.name, f.text) && ok;
  if (!ok) return Error{Code::kIo, "cannot write to " + folder};
  return true;
}

}  // namespace postern::check
