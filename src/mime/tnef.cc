#include "mime/tnef.h"

#include <algorithm>
#include <array>
#include <vector>

#include "mime/charset.h"

namespace postern::mime {
namespace {

constexpr uint32_t kSignature = 0x223e9f78;

// Attributes: the lower half is the number, the upper half the type.
constexpr uint16_t kBody = 0x800c;
constexpr uint16_t kMessageProperties = 0x9003;
constexpr uint16_t kCodePage = 0x9007;
constexpr uint16_t kAttachmentBegins = 0x9002;
constexpr uint16_t kAttachmentTitle = 0x8010;
constexpr uint16_t kAttachmentData = 0x800f;
constexpr uint16_t kAttachmentProperties = 0x9005;

// Properties.
constexpr uint16_t kPrBody = 0x1000;
constexpr uint16_t kPrRtf = 0x1009;
constexpr uint16_t kPrHtml = 0x1013;
constexpr uint16_t kPrAttachData = 0x3701;
constexpr uint16_t kPrAttachName = 0x3704;
constexpr uint16_t kPrAttachLongName = 0x3707;
constexpr uint16_t kPrAttachType = 0x370e;

// Types of properties.
constexpr uint16_t kMultiple = 0x1000;
constexpr uint16_t kObject = 0x000d;
constexpr uint16_t kString8 = 0x001e;
constexpr uint16_t kUnicode = 0x001f;
constexpr uint16_t kBinary = 0x0102;

/// In front of the bytes of an embedded object: the interface that reads it.
constexpr size_t kInterfaceBytes = 16;

uint32_t le(std::string_view b, size_t at, int n) {
  uint32_t v = 0;
  for (int i = n - 1; i >= 0; --i)
    v = v << 8 | static_cast<uint8_t>(b[at + static_cast<size_t>(i)]);
  return v;
}

/// Takes numbers and pieces from the front; once something is missing, everything is.
class Reader {
 public:
  explicit Reader(std::string_view b) : rest_(b) {}

  uint32_t number(int n) {
    if (rest_.size() < static_cast<size_t>(n)) return fail();
    const uint32_t v = le(rest_, 0, n);
    rest_.remove_prefix(static_cast<size_t>(n));
    return v;
  }

  std::string_view piece(uint64_t n) {
    if (rest_.size() < n) {
      fail();
      return {};
    }
    const std::string_view out = rest_.substr(0, static_cast<size_t>(n));
    rest_.remove_prefix(static_cast<size_t>(n));
    return out;
  }

  /// A piece and what fills it up to a multiple of four; the filling may be cut.
  std::string_view padded(uint64_t n) {
    const std::string_view out = piece(n);
    rest_.remove_prefix(std::min<size_t>((4 - n % 4) % 4, rest_.size()));
    return out;
  }

  std::string_view rest() const { return rest_; }

  bool good() const { return good_; }

  bool at_end() const { return rest_.empty(); }

 private:
  uint32_t fail() {
    good_ = false;
    rest_ = {};
    return 0;
  }

  std::string_view rest_;
  bool good_ = true;
};

/// Bytes of one value of a type of fixed size; 0 for the others.
size_t fixed_size(uint16_t type) {
  switch (type) {
    case 0x0002:  // short
    case 0x0003:  // long
    case 0x0004:  // float
    case 0x000a:  // error
    case 0x000b:  // boolean
      return 4;
    case 0x0005:  // double
    case 0x0006:  // currency
    case 0x0007:  // application time
    case 0x0014:  // 64 bits
    case 0x0040:  // system time
      return 8;
    case 0x0048:  // class id
      return 16;
    default:
      return 0;
  }
}

/// Text until the first NUL.
std::string_view until_nul(std::string_view s) {
  return s.substr(0, s.find('\0'));
}

struct Property {
  uint16_t id = 0;
  uint16_t type = 0;
  std::string_view value;
};

class Stream {
 public:
  Stream(TnefHandler& handler, const TnefLimits& limits, uint32_t& num_files, uint32_t depth)
      : handler_(handler), limits_(limits), num_files_(num_files), depth_(depth) {}

  TnefResult read(std::string_view bytes) {
    Reader in(bytes);
    if (in.number(4) != kSignature) return TnefResult::kDamaged;
    in.number(2);  // a key that nobody needs
    while (in.good() && !in.at_end() && result_ != TnefResult::kTooLarge) {
      in.number(1);  // level: what it belongs to, the number says as well
      const auto id = static_cast<uint16_t>(in.number(4) & 0xffff);
      const uint32_t length = in.number(4);
      // Of the last one what came is read, too.
      const bool whole = length <= in.rest().size();
      const std::string_view data = in.piece(std::min<size_t>(length, in.rest().size()));
      if (in.good()) attribute(id, data);
      if (!whole) result_ = std::max(result_, TnefResult::kDamaged);
      // The checksum; some writers leave the last one out.
      if (whole && !in.at_end()) in.number(2);
    }
    end_file();
    return in.good() ? result_ : std::max(result_, TnefResult::kDamaged);
  }

 private:
  void attribute(uint16_t id, std::string_view data) {
    switch (id) {
      case kCodePage:
        if (data.size() >= 4 && le(data, 0, 4) != 0)
          charset_ = "windows-" + std::to_string(le(data, 0, 4));
        return;
      case kBody:
        return handler_.tnef_body("text/plain", charset_, until_nul(data));
      case kMessageProperties:
        return properties(data, [this](const Property& p) { message_property(p); });
      case kAttachmentBegins:
        end_file();
        in_file_ = true;
        return;
      case kAttachmentTitle:
        if (name_.empty()) name_ = decode(charset_, until_nul(data));
        return;
      case kAttachmentData:
        content_ = data;
        return;
      case kAttachmentProperties:
        return properties(data, [this](const Property& p) { file_property(p); });
      default:
        return;
    }
  }

  void message_property(const Property& p) {
    if (p.id == kPrBody) {
      const bool wide = p.type == kUnicode;
      handler_.tnef_body("text/plain", wide ? "utf-16le" : charset_, p.value);
    } else if (p.id == kPrHtml) {
      handler_.tnef_body("text/html", p.type == kUnicode ? "utf-16le" : charset_, p.value);
    } else if (p.id == kPrRtf) {
      std::string text;
      if (!decompress_rtf(p.value, limits_.max_rtf_bytes, text))
        result_ = std::max(result_, TnefResult::kDamaged);
      if (!text.empty()) handler_.tnef_body("text/rtf", charset_, text);
    }
  }

  void file_property(const Property& p) {
    const auto text = [&] {
      return p.type == kUnicode ? decode("utf-16le", p.value)
                                : decode(charset_, until_nul(p.value));
    };
    if (p.id == kPrAttachLongName) {
      name_ = text();
    } else if (p.id == kPrAttachName && name_.empty()) {
      name_ = text();
    } else if (p.id == kPrAttachType) {
      type_ = text();
    } else if (p.id == kPrAttachData && content_.empty()) {
      content_ = p.value.substr(std::min(p.type == kObject ? kInterfaceBytes : 0, p.value.size()));
    }
  }

  void end_file() {
    if (!in_file_) return;
    in_file_ = false;
    if (num_files_ >= limits_.max_files) {
      result_ = TnefResult::kTooLarge;
    } else {
      ++num_files_;
      handler_.tnef_file(name_, type_, content_);
      if (is_tnef(content_)) inner();
    }
    name_.clear();
    type_.clear();
    content_ = {};
  }

  void inner() {
    if (depth_ + 1 >= limits_.max_depth) {
      result_ = TnefResult::kTooLarge;
      return;
    }
    Stream s(handler_, limits_, num_files_, depth_ + 1);
    result_ = std::max(result_, s.read(content_));
  }

  /// Calls `take` for the first value of each property of a block.
  template <class Take>
  void properties(std::string_view block, const Take& take) {
    Reader in(block);
    const uint32_t announced = in.number(4);
    const uint32_t count = std::min(announced, limits_.max_properties);
    if (count < announced) result_ = std::max(result_, TnefResult::kTooLarge);
    for (uint32_t i = 0; i < count && in.good(); ++i) {
      Property p;
      p.type = static_cast<uint16_t>(in.number(2));
      p.id = static_cast<uint16_t>(in.number(2));
      if (p.id >= 0x8000) skip_name(in);
      const bool multiple = (p.type & kMultiple) != 0;
      p.type = static_cast<uint16_t>(p.type & ~kMultiple);
      const bool sized =
          p.type == kObject || p.type == kString8 || p.type == kUnicode || p.type == kBinary;
      if (!sized && fixed_size(p.type) == 0) {  // what follows cannot be told apart
        result_ = std::max(result_, TnefResult::kDamaged);
        return;
      }
      const uint32_t values = multiple || sized ? in.number(4) : 1;
      for (uint32_t v = 0; v < values && in.good(); ++v) {
        const std::string_view value = in.padded(sized ? in.number(4) : fixed_size(p.type));
        if (v > 0 || !in.good()) continue;
        p.value = value;
        take(p);
      }
    }
    if (!in.good()) result_ = std::max(result_, TnefResult::kDamaged);
  }

  /// A property with a name: the set it belongs to, then a number or a text.
  static void skip_name(Reader& in) {
    in.piece(16);
    if (in.number(4) == 0) {
      in.number(4);
    } else {
      in.padded(in.number(4));
    }
  }

  static std::string decode(std::string_view charset, std::string_view text) {
    std::string out;
    to_utf8(charset, text, out);
    return std::string(until_nul(out));
  }

  TnefHandler& handler_;
  const TnefLimits& limits_;
  uint32_t& num_files_;
  uint32_t depth_;
  TnefResult result_ = TnefResult::kGood;
  std::string charset_;
  bool in_file_ = false;
  std::string name_;
  std::string type_;
  std::string_view content_;
};

/// What the window of the decompressor holds at the beginning ([MS-OXRTFCP], 2.1.2.1).
constexpr std::string_view kRtfStart =
    "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    "\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0"
    "\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
static_assert(kRtfStart.size() == 207);

}  // namespace

bool is_tnef(std::string_view bytes) {
  return bytes.size() >= 6 && le(bytes, 0, 4) == kSignature;
}

TnefResult read_tnef(std::string_view bytes, TnefHandler& handler, const TnefLimits& limits) {
  uint32_t num_files = 0;
  return Stream(handler, limits, num_files, 0).read(bytes);
}

bool decompress_rtf(std::string_view bytes, size_t max_bytes, std::string& out) {
  constexpr size_t kHeader = 16;
  constexpr uint32_t kCompressed = 0x75465a4c;
  constexpr uint32_t kPlain = 0x414c454d;
  constexpr size_t kWindow = 4096;
  if (bytes.size() < kHeader) return false;
  const size_t length = std::min<size_t>(le(bytes, 4, 4), max_bytes);
  const uint32_t kind = le(bytes, 8, 4);
  const std::string_view in = bytes.substr(kHeader);
  if (kind == kPlain) {
    out.append(in.substr(0, length));
    return in.size() >= length;
  }
  if (kind != kCompressed) return false;
  std::array<char, kWindow> window{};
  std::copy(kRtfStart.begin(), kRtfStart.end(), window.begin());
  size_t write = kRtfStart.size();
  const size_t before = out.size();
  const auto put = [&](char c) {
    out += c;
    window[write] = c;
    write = (write + 1) % kWindow;
  };
  size_t at = 0;
  while (at < in.size()) {
    const auto control = static_cast<uint8_t>(in[at++]);
    for (int bit = 0; bit < 8; ++bit) {
      if (out.size() - before >= length) return true;
      if ((control >> bit & 1) == 0) {
        if (at >= in.size()) return false;
        put(in[at++]);
        continue;
      }
      if (at + 2 > in.size()) return false;
      const unsigned word = static_cast<uint8_t>(in[at]) * 256u + static_cast<uint8_t>(in[at + 1]);
      at += 2;
      const size_t from = word >> 4;
      if (from == write) return true;  // the end
      for (size_t i = 0; i < (word & 15) + 2; ++i)
        put(window[(from + i) % kWindow]);
    }
  }
  return out.size() - before >= length;
}

}  // namespace postern::mime
