// TNEF, the form in which Outlook packs the attachments and the text of a mail ("winmail.dat").
//
// One pass over bytes in memory: attributes of the message, then of each attachment. Lengths are
// believed only as far as there are bytes, and nothing is allocated by an announced size; a stream
// that is cut or lies gives what came before. An attached message is a TNEF stream of its own and
// is read, too, up to max_depth. Sources: [MS-OXTNEF], [MS-OXRTFCP] (compressed RTF), property
// numbers of [MS-OXPROPS]. Tests: tests/unit/mime/tnef_test.cc, fuzz_tnef.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace postern::mime {

/// True when `bytes` begin like TNEF.
bool is_tnef(std::string_view bytes);

/// Takes what is in a TNEF stream.
class TnefHandler {
 public:
  virtual ~TnefHandler() = default;
  /// An attachment; `type` is declared, "" when it is not. Names are UTF-8.
  virtual void tnef_file(std::string_view name, std::string_view type, std::string_view bytes) = 0;
  /// The text of the message, in its charset ("" unknown); RTF comes decompressed.
  virtual void tnef_body(std::string_view type,
                         std::string_view charset,
                         std::string_view bytes) = 0;
};

struct TnefLimits {
  uint32_t max_files = 1000;
  uint32_t max_depth = 5;            ///< messages attached to messages
  size_t max_rtf_bytes = 8u << 20;   ///< that RTF may grow to
  uint32_t max_properties = 10'000;  ///< of one block
};

enum class TnefResult : uint8_t { kGood, kDamaged, kTooLarge };

/// kDamaged: cut, or a length that cannot be; kTooLarge: one of the limits.
TnefResult read_tnef(std::string_view bytes, TnefHandler& handler, const TnefLimits& limits = {});

/// Compressed RTF as Outlook stores it; false when it is none. At most `max_bytes` come out.
bool decompress_rtf(std::string_view bytes, size_t max_bytes, std::string& out);

}  // namespace postern::mime
