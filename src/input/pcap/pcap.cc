#include "input/pcap/pcap.h"

#include "input/encoded_row.h"
#include "input/mailfile/mail_output.h"
#include "input/pcap/flow_content.h"
#include "input/pcap/flow_row.h"
#include "input/text_input.h"
#include "net/packet/capture.h"
#include "net/packet/decoder.h"
#include "net/packet/live.h"
#include "net/stream/flow_table.h"

namespace postern::input::pcap {
namespace {

/// The flows of one capture: gives each a reader of its content, and a row at its end.
class CaptureRun final : public net::stream::FlowHandler {
 public:
  CaptureRun(const Input& input, DecodeContext& context)
      : tables_(input, context, read_encoded_row), mail_(input, context, tables_) {}

  std::unique_ptr<net::stream::StreamConsumer> open(net::stream::Flow& flow) override {
    using namespace net::packet;
    if (flow.protocol() == kTcp) return std::make_unique<FlowContent>(flow, mail_);
    if (flow.protocol() == kUdp) return std::make_unique<DatagramContent>(flow);
    return nullptr;
  }

  void close(net::stream::Flow& flow) override { write_flow(flow, tables_); }

  TableSet& tables() { return tables_; }

 private:
  TableSet tables_;
  MailOutput mail_;
};

}  // namespace

bool detect(std::string_view head) {
  return net::packet::CaptureReader::detect(head);
}

void decode(const Input& input, DecodeContext& context) {
  net::packet::Faults faults(context.anomalies, input.path);
  CaptureRun run(input, context);
  net::stream::FlowTable flows(run, faults);
  net::packet::PacketDecoder decoder(faults, flows);
  net::packet::CaptureReader reader(input.bytes, faults);
  Progress progress(context, &input);
  net::packet::CapturedFrame frame;
  while (run.tables().ok() && reader.next(frame)) {
    decoder.decode(frame);
    if (!progress.at(reader.position())) break;
  }
  // Also when cancelled: what was seen of open flows is evidence, and their state must be let go.
  flows.finish();
  run.tables().flush();
}

void capture(net::packet::LiveCapture& source,
             const std::string& name,
             DecodeContext& context,
             const std::function<bool()>& stop) {
  using Next = net::packet::LiveCapture::Next;
  Input input;
  input.path = name;
  net::packet::Faults faults(context.anomalies, name);
  CaptureRun run(input, context);
  net::stream::FlowTable flows(run, faults);
  net::packet::PacketDecoder decoder(faults, flows);
  net::packet::CapturedFrame frame;
  while (run.tables().ok() && !context.stopped() && !stop()) {
    const Next next = source.next(frame);
    if (next == Next::kFrame) decoder.decode(frame);
    if (next == Next::kEnded) {
      faults.add("capture-ended", frame.offset, source.error());
      break;
    }
  }
  if (const uint64_t dropped = source.num_dropped(); dropped > 0)
    context.anomalies.add("capture-dropped", name, frame.offset, "no room in the kernel", dropped);
  flows.finish();
  run.tables().flush();
}

}  // namespace postern::input::pcap
