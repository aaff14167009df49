// Flows that are put to rest and woken up give what they would have given.
#include <gtest/gtest.h>

#include "net/packet/capture.h"
#include "net/stream/flow_table.h"
#include "tests/support/capture_builder.h"

namespace postern::net::stream {
namespace {

using test::CaptureBuilder;
using test::Conversation;

/// Nobody reads the content; `kMadeAgain` consumers come and go.
struct Rows final : FlowHandler {
  struct Consumer final : StreamConsumer {
    explicit Consumer(Rows& r) : rows(r) { ++rows.made; }

    void data(Side, Bytes bytes, const Moment&) override { rows.bytes += bytes.size(); }

    void gap(Side, uint64_t, const Moment&) override {}

    void finish(const Moment&) override {}

    AtRest at_rest() const override { return rows.answer; }

    Rows& rows;
  };

  std::unique_ptr<StreamConsumer> open(Flow&) override { return std::make_unique<Consumer>(*this); }

  void close(Flow& f) override {
    text += f.uid() + " " + f.originator().address.text() + ":" +
            std::to_string(f.originator().port) + " " + f.responder().address.text() + " " +
            f.conn_state() + " " + f.history() + " " + f.service() + " " +
            std::to_string(f.size(Side::kOriginator)) + " " +
            std::to_string(f.size(Side::kResponder)) + " " +
            std::to_string(f.originator().packets) + " " + std::to_string(f.responder().ip_bytes) +
            " " + std::to_string(f.duration()) + " " + std::to_string(f.missed_bytes()) + "\n";
  }

  StreamConsumer::AtRest answer = StreamConsumer::AtRest::kMadeAgain;
  std::string text;
  uint64_t bytes = 0;
  uint64_t made = 0;
};

std::string run(const CaptureBuilder& capture, size_t max_awake, Rows& rows) {
  data::Anomalies anomalies;
  packet::Faults faults(anomalies, "x");
  FlowTable table(rows, faults, FlowTable::kMaxFlows, max_awake);
  packet::PacketDecoder decoder(faults, table);
  packet::CaptureReader reader(capture.file(), faults);
  packet::CapturedFrame f;
  while (reader.next(f))
    decoder.decode(f);
  table.finish();
  return rows.text;
}

/// Many connections in step, of every way to begin, go on and end.
CaptureBuilder talk() {
  CaptureBuilder b;
  std::vector<Conversation> all;
  for (int i = 0; i < 40; ++i)
    all.emplace_back(b, 9000 + i, "10.0.0." + std::to_string(i + 1), "192.0.2.1", 20000 + i);
  for (int round = 0; round < 6; ++round) {
    for (size_t i = 0; i < all.size(); ++i) {
      Conversation& c = all[i];
      c.now = static_cast<uint64_t>(round) * 1'000'000 + i * 1000;
      const size_t kind = i % 8;
      if (round == 0) {
        if (kind == 1) c.raw(true, test::kSyn, "").lose(true, 1);
        if (kind == 2) c.raw(false, test::kSyn | test::kAck, "").lose(false, 1);
        if (kind != 1 && kind != 2 && kind != 3) c.handshake();
      } else if (round == 5) {
        if (kind == 4) c.raw(false, test::kRst, "");
        if (kind == 5) c.close();
      } else if (kind != 1) {
        c.client("hello " + std::to_string(round));
        if (kind == 6) c.raw(true, test::kAck, "HELLO ", -6);
        if (kind == 7) c.lose(true, 10);
        c.server("answer");
      }
    }
    for (int i = 0; i < 5; ++i)
      b.frame(static_cast<uint64_t>(round) * 1'000'000 + 90'000,
              test::ethernet(0x0800, test::ipv4({"10.0.1.1", "10.0.0.2", 17},
                                                test::udp(1000 + i, 9999, "x", "10.0.1.1"))));
  }
  return b;
}

TEST(RestingFlow, GivesTheSameRowsHoweverFewAreAwake) {
  const CaptureBuilder b = talk();
  Rows plain;
  const std::string want = run(b, FlowTable::kMaxAwake, plain);
  EXPECT_GT(std::count(want.begin(), want.end(), '\n'), 40);
  for (const size_t awake : {1, 2, 7, 20}) {
    Rows few;
    EXPECT_EQ(run(b, awake, few), want) << awake;
    EXPECT_EQ(few.bytes, plain.bytes) << "content comes all the same";
    EXPECT_GT(few.made, plain.made) << "some were woken up";
  }
}

TEST(RestingFlow, AConsumerThatHoldsSomethingStaysAwake) {
  const CaptureBuilder b = talk();
  Rows plain;
  const std::string want = run(b, FlowTable::kMaxAwake, plain);
  Rows stays;
  stays.answer = StreamConsumer::AtRest::kStays;
  EXPECT_EQ(run(b, 1, stays), want);
  EXPECT_EQ(stays.made, plain.made);
  Rows forgotten;
  forgotten.answer = StreamConsumer::AtRest::kForgotten;
  EXPECT_EQ(run(b, 1, forgotten), want);
  EXPECT_LT(forgotten.bytes, plain.bytes) << "what needs nothing more is given nothing";
}

TEST(RestingFlow, IsSmall) {
  EXPECT_LE(sizeof(RestingFlow) + sizeof(FlowIndex::Slot), 300u);
}

}  // namespace
}  // namespace postern::net::stream
