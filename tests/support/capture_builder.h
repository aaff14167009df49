// Packets and captures byte by byte, for tests: an implementation apart from the decoder's, so that
// the two check each other.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::test {

inline std::string b16(uint32_t v) {
  return {static_cast<char>(v >> 8 & 0xff), static_cast<char>(v & 0xff)};
}

inline std::string b32(uint64_t v) {
  return b16(static_cast<uint32_t>(v >> 16)) + b16(static_cast<uint32_t>(v & 0xffff));
}

inline std::string l16(uint32_t v) {
  return {static_cast<char>(v & 0xff), static_cast<char>(v >> 8 & 0xff)};
}

inline std::string l32(uint64_t v) {
  return l16(static_cast<uint32_t>(v & 0xffff)) + l16(static_cast<uint32_t>(v >> 16));
}

inline std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int v : values)
    out += static_cast<char>(v);
  return out;
}

/// RFC 1071, word by word.
inline uint16_t internet_checksum(std::string data) {
  if (data.size() % 2 != 0) data += '\0';
  uint32_t sum = 0;
  for (size_t i = 0; i < data.size(); i += 2)
    sum += static_cast<uint32_t>(static_cast<uint8_t>(data[i])) << 8 |
           static_cast<uint8_t>(data[i + 1]);
  while (sum > 0xffff)
    sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

/// "10.0.0.1" as four bytes.
inline std::string ip4(std::string_view text) {
  std::string out;
  int part = 0;
  for (const char c : text) {
    if (c == '.') {
      out += static_cast<char>(part);
      part = 0;
    } else {
      part = part * 10 + (c - '0');
    }
  }
  return out + static_cast<char>(part);
}

struct Ip4 {
  std::string source = "10.0.0.1";
  std::string destination = "10.0.0.2";
  int protocol = 6;
  int id = 1;
  bool more = false;
  int fragment_offset = 0;  // bytes
};

inline std::string ipv4(const Ip4& h, std::string_view payload) {
  std::string head = bytes({0x45, 0}) + b16(static_cast<uint32_t>(20 + payload.size())) +
                     b16(static_cast<uint32_t>(h.id)) +
                     b16(static_cast<uint32_t>((h.more ? 0x2000 : 0) | h.fragment_offset / 8)) +
                     bytes({64, h.protocol, 0, 0}) + ip4(h.source) + ip4(h.destination);
  const uint16_t sum = internet_checksum(head);
  head.replace(10, 2, b16(sum));
  return head + std::string(payload);
}

enum Flag { kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16, kUrg = 32 };

struct Tcp {
  int source_port = 40000;
  int destination_port = 25;
  uint32_t sequence = 0;
  uint32_t acknowledged = 0;
  int flags = kAck;
  int window = 8192;
  bool good_checksum = true;
};

inline std::string tcp(const Tcp& h,
                       std::string_view payload,
                       const std::string& source,
                       const std::string& destination) {
  std::string segment =
      b16(static_cast<uint32_t>(h.source_port)) + b16(static_cast<uint32_t>(h.destination_port)) +
      b32(h.sequence) + b32(h.acknowledged) + bytes({0x50, h.flags}) +
      b16(static_cast<uint32_t>(h.window)) + bytes({0, 0, 0, 0}) + std::string(payload);
  const std::string pseudo =
      ip4(source) + ip4(destination) + bytes({0, 6}) + b16(static_cast<uint32_t>(segment.size()));
  uint16_t sum = internet_checksum(pseudo + segment);
  if (!h.good_checksum) sum = static_cast<uint16_t>(sum ^ 0x1234);
  segment.replace(16, 2, b16(sum));
  return segment;
}

inline std::string udp(int source_port,
                       int destination_port,
                       std::string_view payload,
                       const std::string& source = "10.0.0.1",
                       const std::string& destination = "10.0.0.2") {
  std::string datagram =
      b16(static_cast<uint32_t>(source_port)) + b16(static_cast<uint32_t>(destination_port)) +
      b16(static_cast<uint32_t>(8 + payload.size())) + bytes({0, 0}) + std::string(payload);
  const std::string pseudo =
      ip4(source) + ip4(destination) + bytes({0, 17}) + b16(static_cast<uint32_t>(datagram.size()));
  datagram.replace(6, 2, b16(internet_checksum(pseudo + datagram)));
  return datagram;
}

inline std::string ethernet(int type, std::string_view payload) {
  return bytes({2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}) + b16(static_cast<uint32_t>(type)) +
         std::string(payload);
}

/// A little-endian pcap file with microseconds.
class CaptureBuilder {
 public:
  explicit CaptureBuilder(uint32_t link_type = 1)
      : file_(l32(0xa1b2c3d4) + l16(2) + l16(4) + l32(0) + l32(0) + l32(262144) + l32(link_type)) {}

  /// Frame at `micros` after 2020-09-13T12:26:40Z (1600000000); `wire` 0: not cut.
  CaptureBuilder& frame(uint64_t micros, std::string_view frame_bytes, uint32_t wire = 0) {
    offsets_.push_back(file_.size());
    file_ += l32(1'600'000'000 + micros / 1'000'000) + l32(micros % 1'000'000) +
             l32(frame_bytes.size()) + l32(wire ? wire : frame_bytes.size());
    file_.append(frame_bytes);
    return *this;
  }

  const std::string& file() const { return file_; }

  /// What was built since the last call, for files that are written in pieces.
  std::string take() {
    offsets_.clear();
    return std::exchange(file_, {});
  }

  const std::vector<size_t>& offsets() const { return offsets_; }

 private:
  std::string file_;
  std::vector<size_t> offsets_;
};

/// A TCP conversation, packet by packet, one millisecond apart.
class Conversation {
 public:
  explicit Conversation(CaptureBuilder& out,
                        int server_port = 25,
                        std::string client = "10.0.0.1",
                        std::string server = "10.0.0.2",
                        int client_port = 40000)
      : out_(out),
        client_(std::move(client)),
        server_(std::move(server)),
        client_port_(client_port),
        server_port_(server_port) {}

  Conversation& handshake() {
    send(true, kSyn, "");
    ++client_seq;
    send(false, kSyn | kAck, "");
    ++server_seq;
    return ack(true);
  }

  Conversation& client(std::string_view text) {
    send(true, kAck | kPsh, text);
    client_seq += static_cast<uint32_t>(text.size());
    return ack(false);
  }

  Conversation& server(std::string_view text) {
    send(false, kAck | kPsh, text);
    server_seq += static_cast<uint32_t>(text.size());
    return ack(true);
  }

  Conversation& close() {
    send(true, kFin | kAck, "");
    ++client_seq;
    send(false, kFin | kAck, "");
    ++server_seq;
    return ack(true);
  }

  Conversation& ack(bool from_client) {
    send(from_client, kAck, "");
    return *this;
  }

  /// One packet of `text` at `shift` from the sender's next byte; the numbers do not move.
  Conversation& raw(bool from_client,
                    int flags,
                    std::string_view text,
                    int64_t shift = 0,
                    bool good_checksum = true) {
    send(from_client, flags, text, shift, good_checksum);
    return *this;
  }

  /// Bytes that the other side acknowledges later, though the capture does not have them.
  Conversation& lose(bool from_client, uint32_t n) {
    (from_client ? client_seq : server_seq) += n;
    return *this;
  }

  Conversation& wait(uint64_t micros) {
    now += micros;
    return *this;
  }

  uint32_t client_seq = 1000;
  uint32_t server_seq = 5000;
  uint64_t now = 0;

 private:
  void send(
      bool from_client, int flags, std::string_view text, int64_t shift = 0, bool good = true) {
    Tcp h;
    h.source_port = from_client ? client_port_ : server_port_;
    h.destination_port = from_client ? server_port_ : client_port_;
    h.sequence = static_cast<uint32_t>((from_client ? client_seq : server_seq) + shift);
    h.acknowledged = (flags & kAck) ? (from_client ? server_seq : client_seq) : 0;
    h.flags = flags;
    h.good_checksum = good;
    const std::string& source = from_client ? client_ : server_;
    const std::string& destination = from_client ? server_ : client_;
    out_.frame(now, ethernet(0x0800, ipv4({source, destination, 6, 1, false, 0},
                                          tcp(h, text, source, destination))));
    now += 1000;
  }

  CaptureBuilder& out_;
  std::string client_;
  std::string server_;
  int client_port_;
  int server_port_;
};

}  // namespace postern::test
