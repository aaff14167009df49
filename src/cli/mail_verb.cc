// `postern mail`: what captures and mail files hold of mail, as records, and its contents as files.
// Tests: tests/cli/test_mail.py.
#include <algorithm>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>

#include "base/time.h"
#include "cli/mail_files.h"
#include "cli/run_options.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "data/value.h"
#include "engine/evidence.h"
#include "output/finding_output.h"

namespace postern::cli {
namespace {

/// A kind of record: its native table, and the columns that fit on a terminal.
struct RecordKind {
  const char* name;
  const char* table;
  std::vector<std::string> columns;
};

const std::vector<RecordKind>& record_kinds() {
  static const std::vector<RecordKind> kKinds = {
      {"sessions",
       "mail.session",
       {"ts", "protocol", "id.orig_h", "id.resp_h", "id.resp_p", "helo", "auth_user", "tls",
        "num_messages", "last_reply"}},
      {"messages",
       "mail.message",
       {"ts", "protocol", "direction", "mailfrom", "rcptto", "subject", "num_attachments",
        "message_bytes", "last_reply"}},
      {"attachments",
       "mail.attachment",
       {"ts", "mailfrom", "filename", "content_type", "real_type", "size", "sha256"}},
      {"commands",
       "mail.command",
       {"ts", "protocol", "id.orig_h", "id.resp_h", "command", "argument", "status", "reply"}},
      {"flows",
       "net.flow",
       {"ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "service", "duration",
        "orig_bytes", "resp_bytes", "conn_state", "history"}}};
  return kKinds;
}

const RecordKind* find_kind(std::string_view name) {
  for (const RecordKind& k : record_kinds())
    if (name == k.name) return &k;
  return nullptr;
}

/// Takes the rows of one table: JSON lines at once, others kept for the table's columns.
class RowWriter final : public data::BatchSink {
 public:
  RowWriter(std::string_view table, const plan::Schema& schema, bool jsonl)
      : table_(table), schema_(schema), jsonl_(jsonl) {}

  bool push(data::Batch&& batch) override {
    if (batch.table != table_) return !interrupted();
    for (uint32_t r = 0; r < batch.num_rows; ++r)
      row(*batch.records, r);
    return !interrupted() && std::cout.good();
  }

  void skipped(std::string_view, uint64_t) override {}

  std::vector<std::vector<data::Value>> rows;

 private:
  struct Fields final : data::FieldVisitor {
    void field(std::string_view name, const data::Value& value) override {
      values.insert_or_assign(std::string(name), value);
    }

    std::map<std::string, data::Value, std::less<>> values;
  };

  template <typename Records>
  void row(Records& records, uint32_t r) {
    Fields f;
    records.read(r, f);
    std::vector<data::Value> cells;
    std::string line;
    for (const plan::ColumnInfo& c : schema_) {
      const auto found = f.values.find(c.name);
      if (!jsonl_) {
        cells.push_back(found == f.values.end() ? data::Value() : found->second);
      } else if (found != f.values.end() && !found->second.is_null()) {
        line += (line.empty() ? "{" : ",") + data::json_string(c.name) + ":" + found->second.json();
      }
    }
    if (jsonl_) {
      std::cout << (line.empty() ? "{" : line) << "}\n";
    } else {
      rows.push_back(std::move(cells));
    }
  }

  std::string table_;
  const plan::Schema& schema_;
  bool jsonl_;
};

plan::Schema schema_of(const plan::TableDef& table, const RecordKind& kind, bool all) {
  plan::Schema out;
  if (all) {
    for (const plan::FieldDef& f : table.fields)
      out.push_back({f.name, f.type});
    return out;
  }
  for (const std::string& name : kind.columns)
    if (const plan::FieldDef* f = table.find(name)) out.push_back({f->name, f->type});
  return out;
}

}  // namespace

int mail_verb(const Arguments& args) {
  if (args.positional.empty()) return usage_error("mail needs captures or mail files");
  const std::string wanted = args.get("--records", "messages");
  const RecordKind* kind = find_kind(wanted);
  if (!kind)
    return usage_error("unknown records: " + wanted +
                       "; there are sessions, messages, attachments, commands and flows");
  const Result<std::string> format = output_format(args);
  if (!format) return usage_error(format.error().message);
  const Result<std::shared_ptr<const engine::Setup>> setup = engine::make_setup();
  if (!setup) return usage_error(setup.error().message);
  const plan::TableDef* table = (*setup)->catalog.table(kind->table);
  if (!table) return usage_error(std::string("the catalog has no table ") + kind->table);
  const plan::Schema schema = schema_of(*table, *kind, *format != "table");

  std::unique_ptr<MailFiles> files;
  if (args.has("--extract")) {
    Result<std::unique_ptr<MailFiles>> made = MailFiles::open(args.get("--extract"));
    if (!made) return usage_error(made.error().message);
    files = std::move(*made);
  }
  data::Layouts layouts;
  data::Layout layout(kind->table);
  for (const plan::ColumnInfo& c : schema)
    layout.add(c.name, c.type);
  layouts.emplace(kind->table, std::move(layout));

  std::vector<std::string> errors;
  data::Anomalies anomalies;
  RowWriter writer(kind->table, schema, *format == "jsonl");
  for (const std::string& path : engine::expand_evidence(args.positional, errors)) {
    engine::open_evidence(path, {nullptr, &interrupted()}, anomalies, errors,
                          [&](const input::Input& in, const input::Format* f) {
                            if (!f) return;
                            input::DecodeContext context{layouts,     writer,         anomalies,
                                                         files.get(), &interrupted(), nullptr};
                            f->decode(in, context);
                          });
    if (interrupted()) break;
  }
  if (*format == "table")
    output::write_rows_table(std::cout, schema, output::rows_of(writer.rows), table_style());
  if (*format == "csv") output::write_rows_csv(std::cout, schema, output::rows_of(writer.rows));
  std::cout.flush();
  if (files)
    if (const Result<bool> written = files->finish(); !written)
      errors.push_back(written.error().message);
  if (!args.has("--quiet")) {
    for (const auto& [name, entry] : anomalies.all())
      std::cerr << "anomaly " << name << ": " << entry.count << ", first in " << entry.first_path
                << " at byte " << entry.first_offset << '\n';
    if (files)
      std::cerr << "extracted " << files->num_files() << " files into " << files->directory()
                << '\n';
  }
  for (const std::string& e : errors)
    std::cerr << "postern: " << e << '\n';
  if (interrupted()) return kExitInterrupted;
  return errors.empty() ? kExitOk : kExitUsage;
}

}  // namespace postern::cli
