#include "input/pcap/flow_row.h"

#include "base/time.h"
#include "input/encoded_row.h"

namespace postern::input::pcap {

using net::stream::Flow;
using net::stream::Side;

bool is_local(const match::IpAddress& address) {
  static const std::vector<match::Cidr> ranges = [] {
    std::vector<match::Cidr> out;
    for (const char* text :
         {"0.0.0.0/8",       "10.0.0.0/8",     "100.64.0.0/10", "127.0.0.0/8",    "169.254.0.0/16",
          "172.16.0.0/12",   "192.0.0.0/24",   "192.0.2.0/24",  "192.168.0.0/16", "198.18.0.0/15",
          "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/24",  "239.0.0.0/8",    "240.0.0.0/4",
          "::/128",          "::1/128",        "100::/64",      "2001::/23",      "2001:db8::/32",
          "fc00::/7",        "fe80::/10"})
      if (const auto cidr = match::Cidr::parse(text)) out.push_back(*cidr);
    return out;
  }();
  for (const match::Cidr& r : ranges)
    if (r.contains(address)) return true;
  return false;
}

MailOrigin origin_of(const Flow& flow) {
  MailOrigin o;
  o.uid = flow.uid();
  o.orig_h = flow.originator().address.text();
  o.orig_p = flow.originator().port;
  o.resp_h = flow.responder().address.text();
  o.resp_p = flow.responder().port;
  o.has_flow = true;
  o.time = flow.first().time;
  o.offset = flow.first().offset;
  o.record = flow.first().number;
  return o;
}

void write_flow(const Flow& flow, TableSet& tables) {
  EncodedRow row;
  row.datetime("ts", flow.first().time);
  row.text("uid", flow.uid());
  row.text("id.orig_h", flow.originator().address.text());
  row.integer("id.orig_p", flow.originator().port);
  row.text("id.resp_h", flow.responder().address.text());
  row.integer("id.resp_p", flow.responder().port);
  row.text("proto", net::stream::protocol_name(flow.protocol()));
  row.text("service", flow.service());
  // A flow of one instant has no duration and no sizes, as in conn.log.
  if (flow.duration() > 0) {
    row.real("duration",
             static_cast<double>(flow.duration()) / static_cast<double>(kTicksPerSecond));
    row.count("orig_bytes", flow.size(Side::kOriginator));
    row.count("resp_bytes", flow.size(Side::kResponder));
  }
  row.text("conn_state", flow.conn_state());
  row.boolean("local_orig", is_local(flow.originator().address));
  row.boolean("local_resp", is_local(flow.responder().address));
  row.count("missed_bytes", flow.missed_bytes());
  row.text("history", flow.history());
  row.count("orig_pkts", flow.originator().packets);
  row.count("orig_ip_bytes", flow.originator().ip_bytes);
  row.count("resp_pkts", flow.responder().packets);
  row.count("resp_ip_bytes", flow.responder().ip_bytes);
  row.integer("ip_proto", flow.protocol());
  if (flow.vlan() != 0) row.integer("vlan", flow.vlan());
  row.write(tables, "net.flow", {flow.first().offset, flow.first().number}, flow.first().time);
}

}  // namespace postern::input::pcap
