// Zeek logs in JSON: as Zeek writes them (one file per log, which no record names), from the
// json-streaming package or Corelight (`_path`), and from OTRF's forwarder (`@stream`, with
// id_orig_h for id.orig_h). Field names and tables are those of the TSV logs. Source:
// docs.zeek.org, logs.
#include <string>

#include "base/text.h"
#include "input/json/output.h"
#include "input/time_field.h"
#include "input/zeek/paths.h"

namespace postern::input::json {
namespace {

struct Mark {
  std::string_view field;
  std::string_view path;
};

/// A field that only this log has, in the order to be asked.
constexpr Mark kMarks[] = {
    {"conn_state", "conn"},
    {"missed_bytes", "conn"},
    {"mailfrom", "smtp"},
    {"helo", "smtp"},
    {"last_reply", "smtp"},
    {"rcptto", "smtp"},
    {"qclass_name", "dns"},
    {"rcode_name", "dns"},
    {"trans_id", "dns"},
    {"status_code", "http"},
    {"request_body_len", "http"},
    {"next_protocol", "ssl"},
    {"cert_chain_fps", "ssl"},
    {"resumed", "ssl"},
    {"seen_bytes", "files"},
    {"kex_alg", "ssh"},
    {"note", "notice"},
    {"named_pipe", "dce_rpc"},
    {"certificate.serial", "x509"},
    {"share_type", "smb_mapping"},
};

std::string_view path_of(const Record& record, const DialectState& state) {
  if (const auto path = record.string(Key::kPath); !path.empty()) return path;
  if (const auto path = record.string(Key::kStream); !path.empty()) return path;
  for (const Mark& m : kMarks)
    if (record.document().find(record.object(), m.field) > 0) return m.path;
  return state.file_stem;
}

/// "id_orig_h" of OTRF is Zeek's "id.orig_h"; "" for all other names.
std::string_view dotted(std::string_view name) {
  if (name == "id_orig_h") return "id.orig_h";
  if (name == "id_orig_p") return "id.orig_p";
  if (name == "id_resp_h") return "id.resp_h";
  if (name == "id_resp_p") return "id.resp_p";
  return {};
}

}  // namespace

void put_zeek(const Record& record, DialectState& state, Output& out) {
  const std::string_view path = path_of(record, state);
  if (!zeek::is_path(path)) return put_generic(record, state, out);
  state.scratch.path.assign("zeek.").append(path);
  Row* row = out.begin(state.scratch.path, record.text());
  if (!row) return;
  const bool flat = record.has(Key::kIdOrigHFlat);
  record.members([&](uint32_t i, const Item& member) {
    if (member.key == "ts") {
      if (const auto ticks = time_from_text(unescaped(member.text, state.scratch.text))) {
        row->time(*ticks);
        return row->datetime(row->target(member.key, member.hash), member.key, *ticks);
      }
    }
    if (flat && member.key.substr(0, 3) == "id_") {
      if (const std::string_view name = dotted(member.key); !name.empty())
        return put(*row, name, name_hash(name), member, record.in_input(), state.scratch);
    }
    if (member.is_object()) {  // records that a plugin left nested
      state.scratch.path.assign(member.key).push_back('.');
      put_flat(*row, record, i, std::string(state.scratch.path), state.scratch);
      return;
    }
    put(*row, member.key, member.hash, member, record.in_input(), state.scratch);
  });
  out.end();
}

}  // namespace postern::input::json
