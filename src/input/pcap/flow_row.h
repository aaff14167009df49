// The row of a finished flow: net.flow, in the columns of Zeek's conn.log.
#pragma once
#include "input/mailfile/mail_output.h"
#include "input/rows.h"
#include "net/stream/flow.h"

namespace postern::input::pcap {

void write_flow(const net::stream::Flow& flow, TableSet& tables);

/// The endpoints of a flow as mail rows and findings show them.
MailOrigin origin_of(const net::stream::Flow& flow);

/// Addresses of the private and special ranges that Zeek takes for local (RFC 6890 and others).
bool is_local(const match::IpAddress& address);

}  // namespace postern::input::pcap
