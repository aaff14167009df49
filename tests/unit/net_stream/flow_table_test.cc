#include "net/stream/flow_table.h"

#include <gtest/gtest.h>

#include "base/time.h"
#include "net/packet/capture.h"
#include "tests/support/capture_builder.h"

namespace postern::net::stream {
namespace {

using test::CaptureBuilder;
using test::Conversation;
using test::kAck;
using test::kFin;
using test::kPsh;
using test::kRst;
using test::kSyn;

struct Row {
  std::string id, state, history, uid, service;
  uint64_t orig_bytes, resp_bytes, orig_pkts, resp_pkts, missed;
  int64_t duration;
  std::string streams[2];
};

struct Recorder final : FlowHandler {
  struct Consumer final : StreamConsumer {
    void data(Side side, Bytes bytes, const Moment&) override {
      streams[static_cast<size_t>(side)] += bytes;
    }

    void gap(Side side, uint64_t n, const Moment&) override {
      streams[static_cast<size_t>(side)] += "<" + std::to_string(n) + ">";
    }

    void flipped() override { std::swap(streams[0], streams[1]); }

    void finish(const Moment&) override {}

    std::string streams[2];
  };

  std::unique_ptr<StreamConsumer> open(Flow&) override { return std::make_unique<Consumer>(); }

  void close(Flow& f) override {
    const auto& c = static_cast<Consumer&>(*f.consumer());
    rows.push_back({f.originator().address.text() + ":" + std::to_string(f.originator().port) +
                        ">" + f.responder().address.text() + ":" +
                        std::to_string(f.responder().port),
                    f.conn_state(),
                    f.history(),
                    f.uid(),
                    f.service(),
                    f.size(Side::kOriginator),
                    f.size(Side::kResponder),
                    f.originator().packets,
                    f.responder().packets,
                    f.missed_bytes(),
                    f.duration(),
                    {c.streams[0], c.streams[1]}});
  }

  std::vector<Row> rows;
};

struct Run {
  Recorder recorder;
  data::Anomalies anomalies;

  uint64_t count(std::string_view name) const {
    const auto it = anomalies.all().find(name);
    return it == anomalies.all().end() ? 0 : it->second.count;
  }
};

std::unique_ptr<Run> run(const CaptureBuilder& capture, size_t max_flows = FlowTable::kMaxFlows) {
  auto r = std::make_unique<Run>();
  packet::Faults faults(r->anomalies, "x");
  FlowTable table(r->recorder, faults, max_flows);
  packet::PacketDecoder decoder(faults, table);
  packet::CaptureReader reader(capture.file(), faults);
  packet::CapturedFrame f;
  while (reader.next(f))
    decoder.decode(f);
  table.finish();
  return r;
}

TEST(FlowTable, FollowsAnOrdinaryConnection) {
  CaptureBuilder b;
  Conversation(b).handshake().server("220 hi\r\n").client("QUIT\r\n").close();
  const auto r = run(b);
  ASSERT_EQ(r->recorder.rows.size(), 1u);
  const Row& row = r->recorder.rows[0];
  EXPECT_EQ(row.id, "10.0.0.1:40000>10.0.0.2:25");
  EXPECT_EQ(row.state, "SF");
  EXPECT_EQ(row.history, "ShAdDaFf");
  EXPECT_EQ(row.orig_bytes, 6u);
  EXPECT_EQ(row.resp_bytes, 8u);
  EXPECT_EQ(row.streams[0], "QUIT\r\n");
  EXPECT_EQ(row.streams[1], "220 hi\r\n");
  EXPECT_EQ(row.duration, 8 * kTicksPerMillisecond) << "the last ACK carries nothing on";
  EXPECT_TRUE(r->anomalies.all().empty());
}

TEST(FlowTable, NamesHowConnectionsEnd) {
  const auto state = [](const std::function<void(Conversation&)>& talk) {
    CaptureBuilder b;
    Conversation c(b);
    talk(c);
    const auto r = run(b);
    return r->recorder.rows.size() == 1
               ? r->recorder.rows[0].state + " " + r->recorder.rows[0].history
               : "?";
  };
  EXPECT_EQ(state([](Conversation& c) { c.raw(true, kSyn, ""); }), "S0 S");
  EXPECT_EQ(state([](Conversation& c) { c.handshake(); }), "S1 ShA");
  EXPECT_EQ(state([](Conversation& c) {
              c.raw(true, kSyn, "").lose(true, 1).raw(false, kRst | kAck, "");
            }),
            "REJ Sr");
  EXPECT_EQ(state([](Conversation& c) { c.handshake().client("x").raw(true, kRst, ""); }),
            "RSTO ShADaR");
  EXPECT_EQ(state([](Conversation& c) { c.handshake().client("x").raw(false, kRst, ""); }),
            "RSTR ShADar");
  EXPECT_EQ(state([](Conversation& c) { c.handshake().raw(true, kFin | kAck, ""); }), "S2 ShAF");
  EXPECT_EQ(state([](Conversation& c) { c.handshake().raw(false, kFin | kAck, ""); }), "S3 ShAf");
  EXPECT_EQ(state([](Conversation& c) { c.raw(true, kSyn, "").lose(true, 1).raw(true, kRst, ""); }),
            "RSTOS0 SR");
  EXPECT_EQ(state([](Conversation& c) { c.raw(true, kSyn, "").lose(true, 1).raw(true, kFin, ""); }),
            "SH SF");
  EXPECT_EQ(state([](Conversation& c) { c.client("mid").server("stream"); }), "OTH DadA");
}

TEST(FlowTable, OrdersSegmentsAndCountsLoss) {
  CaptureBuilder b;
  Conversation c(b);
  c.handshake();
  c.raw(true, kAck | kPsh, "world", 6).raw(true, kAck | kPsh, "hello ");
  c.client_seq += 11;
  c.lose(true, 100).ack(false).client("end").close();
  const auto r = run(b);
  ASSERT_EQ(r->recorder.rows.size(), 1u);
  EXPECT_EQ(r->recorder.rows[0].streams[0], "hello world<100>end");
  EXPECT_EQ(r->recorder.rows[0].missed, 100u);
  EXPECT_NE(r->recorder.rows[0].history.find('G'), std::string::npos);
  EXPECT_EQ(r->count("tcp-gap"), 1u);
}

TEST(FlowTable, WaitsForDataThatComesAfterItsAcknowledgement) {
  CaptureBuilder b;
  Conversation c(b);
  c.handshake();
  c.client_seq += 5;
  c.ack(false);  // captured before the data that it acknowledges
  c.raw(true, kAck | kPsh, "hello", -5).client("!").close();
  const auto r = run(b);
  EXPECT_EQ(r->recorder.rows[0].streams[0], "hello!");
  EXPECT_EQ(r->recorder.rows[0].missed, 0u);
}

TEST(FlowTable, ReadsThroughASequenceNumberThatWraps) {
  CaptureBuilder b;
  Conversation c(b);
  c.client_seq = 0xfffffff0;
  c.handshake();
  for (int i = 0; i < 10; ++i)
    c.client("0123456789");
  c.close();
  const auto r = run(b);
  EXPECT_EQ(r->recorder.rows[0].streams[0].size(), 100u);
  EXPECT_EQ(r->recorder.rows[0].orig_bytes, 100u);
  EXPECT_EQ(r->recorder.rows[0].state, "SF");
}

TEST(FlowTable, ReportsCopiesThatDiffer) {
  CaptureBuilder b;
  Conversation c(b);
  c.handshake();
  c.raw(true, kAck | kPsh, "good", 0).raw(true, kAck | kPsh, "evil", 0);
  c.client_seq += 4;
  c.ack(false).close();
  const auto r = run(b);
  EXPECT_EQ(r->recorder.rows[0].streams[0], "good");
  EXPECT_EQ(r->count("tcp-overlap-conflict"), 1u);
  EXPECT_NE(r->recorder.rows[0].history.find('T'), std::string::npos);
}

TEST(FlowTable, DropsInsertedPacketsWithABadChecksum) {
  CaptureBuilder b;
  Conversation c(b);
  c.handshake().raw(true, kAck | kPsh, "evil", 0, false).client("good").close();
  const auto r = run(b);
  EXPECT_EQ(r->recorder.rows[0].streams[0], "good");
  EXPECT_EQ(r->recorder.rows[0].history, "ShACDaFf");
  EXPECT_EQ(r->count("bad-checksum"), 1u);
}

TEST(FlowTable, BelievesADirectionWhoseChecksumsAreAllBad) {
  CaptureBuilder b;
  Conversation c(b);
  c.raw(true, kSyn, "", 0, false).lose(true, 1).raw(false, kSyn | kAck, "").lose(false, 1);
  c.raw(true, kAck, "", 0, false).raw(true, kAck | kPsh, "data", 0, false);
  const auto r = run(b);
  EXPECT_EQ(r->recorder.rows[0].streams[0], "data");
  EXPECT_EQ(r->count("checksum-unusable"), 1u);
  EXPECT_EQ(r->count("bad-checksum"), 0u);
}

TEST(FlowTable, UsesBytesWithABadChecksumThatTheReceiverAcknowledged) {
  CaptureBuilder b;
  Conversation c(b);
  c.handshake().client("one ").raw(true, kAck | kPsh, "edited ", 0, false);
  c.client_seq += 7;
  c.ack(false).client("three").close();
  const auto r = run(b);
  EXPECT_EQ(r->recorder.rows[0].streams[0], "one edited three");
  EXPECT_EQ(r->recorder.rows[0].missed, 0u);
  EXPECT_EQ(r->count("checksum-unusable"), 1u);
}

TEST(FlowTable, IgnoresAResetFarOutsideTheWindow) {
  CaptureBuilder b;
  Conversation c(b);
  c.handshake().client("one").raw(false, kRst, "", 900'000'000).client("two").close();
  const auto r = run(b);
  ASSERT_EQ(r->recorder.rows.size(), 1u);
  EXPECT_EQ(r->recorder.rows[0].streams[0], "onetwo");
  EXPECT_EQ(r->recorder.rows[0].state, "SF");
}

TEST(FlowTable, GuessesWhoAnswersWhenTheBeginningIsMissing) {
  CaptureBuilder b;
  Conversation c(b);
  c.server("220 hi\r\n").client("QUIT\r\n");
  const auto r = run(b);
  EXPECT_EQ(r->recorder.rows[0].id, "10.0.0.1:40000>10.0.0.2:25");
  EXPECT_EQ(r->recorder.rows[0].history.substr(0, 2), "^d");
  EXPECT_EQ(r->recorder.rows[0].streams[0], "QUIT\r\n");
}

TEST(FlowTable, TurnsASynThatComesAfterItsAnswerRound) {
  CaptureBuilder b;
  // Ports that speak against it: the client's is one that servers use.
  Conversation c(b, 9999, "10.0.0.1", "10.0.0.2", 8080);
  c.lose(true, 1);
  c.raw(false, kSyn | kAck, "");  // the answer comes first
  c.raw(true, kSyn, "", -1).lose(false, 1).ack(true).client("hello").close();
  const auto r = run(b);
  ASSERT_EQ(r->recorder.rows.size(), 1u);
  EXPECT_EQ(r->recorder.rows[0].id, "10.0.0.1:8080>10.0.0.2:9999");
  EXPECT_EQ(r->recorder.rows[0].streams[0], "hello");
  EXPECT_EQ(r->recorder.rows[0].state, "SF");
}

TEST(FlowTable, BeginsANewFlowForANewConnection) {
  CaptureBuilder b;
  Conversation first(b);
  first.handshake().client("one").close();
  Conversation second(b);
  second.now = first.now;
  second.client_seq = 777'000;
  second.handshake().client("two").close();
  const auto r = run(b);
  ASSERT_EQ(r->recorder.rows.size(), 2u);
  EXPECT_EQ(r->recorder.rows[0].streams[0], "one");
  EXPECT_EQ(r->recorder.rows[1].streams[0], "two");
  EXPECT_NE(r->recorder.rows[0].uid, r->recorder.rows[1].uid);
}

TEST(FlowTable, BeginsANewFlowForARetryAfterARefusal) {
  CaptureBuilder b;
  Conversation c(b);
  for (int i = 0; i < 2; ++i) {
    // The same first number each time, as some clients do.
    c.raw(true, kSyn, "").lose(true, 1).raw(false, kRst | kAck, "");
    c.client_seq -= 1;
    c.wait(500'000);
  }
  const auto r = run(b);
  ASSERT_EQ(r->recorder.rows.size(), 2u);
  EXPECT_EQ(r->recorder.rows[1].state, "REJ");
}

TEST(FlowTable, EndsFlowsThatAreSilent) {
  CaptureBuilder b;
  b.frame(0, test::ethernet(0x0800,
                            test::ipv4({"10.0.0.1", "10.0.0.2", 17}, test::udp(5000, 53, "a"))));
  b.frame(30'000'000,
          test::ethernet(0x0800, test::ipv4({"10.0.0.2", "10.0.0.1", 17},
                                            test::udp(53, 5000, "bc", "10.0.0.2", "10.0.0.1"))));
  b.frame(120'000'000, test::ethernet(0x0800, test::ipv4({"10.0.0.1", "10.0.0.2", 17},
                                                         test::udp(5000, 53, "d"))));
  const auto r = run(b);
  ASSERT_EQ(r->recorder.rows.size(), 2u);
  EXPECT_EQ(r->recorder.rows[0].state, "SF");
  EXPECT_EQ(r->recorder.rows[0].history, "Dd");
  EXPECT_EQ(r->recorder.rows[0].resp_bytes, 2u);
  EXPECT_EQ(r->recorder.rows[1].state, "S0");
}

TEST(FlowTable, GivesTheSameIdsOnEveryRun) {
  CaptureBuilder b;
  Conversation(b).handshake().close();
  const std::string uid = run(b)->recorder.rows[0].uid;
  EXPECT_EQ(uid, run(b)->recorder.rows[0].uid);
  EXPECT_EQ(uid.size(), 18u);
  EXPECT_EQ(uid[0], 'C');
}

TEST(FlowTable, BoundsTheNumberOfFlows) {
  CaptureBuilder b;
  for (int i = 0; i < 100; ++i)
    b.frame(static_cast<uint64_t>(i),
            test::ethernet(0x0800,
                           test::ipv4({"10.0.0.1", "10.0.0.2", 17}, test::udp(1000 + i, 9, "x"))));
  const auto r = run(b, 10);
  EXPECT_EQ(r->recorder.rows.size(), 100u);
  EXPECT_EQ(r->count("flow-table-full"), 90u);
  EXPECT_EQ(r->recorder.rows[0].id, "10.0.0.1:1000>10.0.0.2:9") << "the oldest goes first";
}

TEST(FlowTable, JoinsAnEchoWithItsAnswer) {
  const auto icmp = [](int type, const char* from, const char* to) {
    std::string m = test::bytes({type, 0, 0, 0, 0, 1, 0, 1}) + "ping";
    m.replace(2, 2, test::b16(test::internet_checksum(m)));
    return test::ethernet(0x0800, test::ipv4({from, to, 1}, m));
  };
  CaptureBuilder b;
  b.frame(0, icmp(8, "10.0.0.1", "10.0.0.2")).frame(1000, icmp(0, "10.0.0.2", "10.0.0.1"));
  const auto r = run(b);
  ASSERT_EQ(r->recorder.rows.size(), 1u);
  EXPECT_EQ(r->recorder.rows[0].id, "10.0.0.1:8>10.0.0.2:0");
  EXPECT_EQ(r->recorder.rows[0].state, "OTH");
  EXPECT_EQ(r->recorder.rows[0].orig_bytes, 4u);
}

}  // namespace
}  // namespace postern::net::stream
