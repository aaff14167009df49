// Any bytes as a capture: packets, flows, sessions, mails. What is promised: no crash, no hang, and
// rows that can be read back.
#include <cstddef>
#include <cstdint>
#include <string>

#include "input/pcap/pcap.h"

namespace {

using namespace postern;

struct Sink final : data::BatchSink {
  bool push(data::Batch&& batch) override {
    struct Visitor final : data::FieldVisitor {
      void field(std::string_view name, const data::Value& value) override {
        size += name.size() + value.text().size();
      }

      size_t size = 0;
    };

    for (uint32_t i = 0; i < batch.num_rows; ++i) {
      Visitor v;
      batch.records->read(i, v);
    }
    return true;
  }

  void skipped(std::string_view, uint64_t) override {}
};

struct Scanner final : match::ContentScanner {
  Result<uint32_t> scan(const match::ContentOrigin&, std::string_view) override {
    return uint32_t{0};
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const data::Layouts layouts = [] {
    data::Layouts all;
    for (const char* name : {"net.flow", "mail.session", "mail.message", "mail.attachment"}) {
      data::Layout l(name);
      l.add("ts", data::Type::kDatetime);
      l.add("subject", data::Type::kString);
      l.add("sha256", data::Type::kString);
      l.add(std::string(data::kValuesColumn), data::Type::kDynamic);
      all.emplace(name, l);
    }
    return all;
  }();
  Sink sink;
  Scanner scanner;
  data::Anomalies anomalies;
  input::DecodeContext context{layouts, sink, anomalies, &scanner, nullptr, nullptr};
  input::pcap::decode({"fuzz", {reinterpret_cast<const char*>(data), size}, nullptr}, context);
  return 0;
}
