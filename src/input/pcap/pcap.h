// Packet captures (pcap, pcapng) as evidence: flows, mail sessions, mails and attachments.
//
// Gives the tables net.flow, mail.session, mail.message and mail.attachment, in the words of Zeek's
// conn.log and smtp.log where Zeek has the concept, and hands contents to the scanner while they
// pass: each direction of a connection that is readable (views tcp.client, tcp.server), each mail
// as sent (mail.raw), its texts (mail.body) and its attachments (mail.attachment). Tests:
// tests/unit/input/pcap_test.cc, tools/check_zeek_cases, fuzz_pcap.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "input/format.h"

namespace postern::net::packet {
class LiveCapture;
}

namespace postern::input::pcap {

bool detect(std::string_view head);
void decode(const Input& input, DecodeContext& context);

/// Decodes what comes over an interface until `stop` says so, or the interface is gone; `name` is
/// what findings say in place of a path. Anomalies: capture-dropped (frames that the kernel had no
/// room for), capture-ended.
void capture(net::packet::LiveCapture& source,
             const std::string& name,
             DecodeContext& context,
             const std::function<bool()>& stop);

}  // namespace postern::input::pcap
