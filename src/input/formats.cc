// The registry of evidence formats, most specific first.
#include "input/auditd/auditd.h"
#include "input/carving.h"
#include "input/csv/csv.h"
#include "input/evtx/evtx.h"
#include "input/format.h"
#include "input/json/json.h"
#include "input/mailfile/mailfile.h"
#include "input/pcap/pcap.h"
#include "input/syslog/syslog.h"
#include "input/winxml/winxml.h"
#include "input/zeek/zeek.h"

namespace postern::input {

const std::vector<Format>& formats() {
  static const std::vector<Format> all = {
      {"evtx", evtx::detect, evtx::decode, evtx::cut},
      {"zeek-tsv", zeek::detect, zeek::decode, zeek::cut},
      {"syslog", syslog::detect, syslog::decode,
       syslog::cut},  // may carry audit records, XML and JSON
      {"auditd", auditd::detect, auditd::decode, auditd::cut},
      {"json", json::detect, json::decode, json::cut},
      {"pcap", pcap::detect, pcap::decode},
      {"mbox", mailfile::detect_mbox, mailfile::decode_mbox},
      {"eml", mailfile::detect_message, mailfile::decode_message},
      {"windows-xml", winxml::detect, winxml::decode, winxml::cut},
      {"csv", csv::detect, csv::decode, csv::cut},  // any text with a header: last
  };
  return all;
}

const Format* detect_format(std::string_view head) {
  for (const Format& f : formats())
    if (f.detect(head)) return &f;
  return nullptr;
}

const Format* with_carving(const Format* known) {
  static const Format anywhere = {"carved", nullptr, evtx::carve};
  static const Format evtx_too = {"evtx", evtx::detect, evtx::decode_and_carve};
  if (!known) return &anywhere;
  return known->name == evtx_too.name ? &evtx_too : known;
}

}  // namespace postern::input
