// One JSON object as a log record: its members, and which well-known ones it has.
//
// A record's layout (Winlogbeat, osquery, Zeek, …) is recognised by the names at its top: each name
// is looked up once in a table of the names that tell layouts apart, which gives a bit set, and a
// layout is then a test of bits (dialect.h). Tests: tests/unit/input/json_dialect_test.cc.
#pragma once
#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "input/json/document.h"
#include "input/rows.h"

namespace postern::input::json {

/// Names that tell layouts apart.
enum class Key : uint8_t {
  kEvent,
  kWinlog,
  kWinlogChannel,
  kWinlogEventId,
  kLogName,
  kSourceNameLower,
  kEventIdLower,
  kEventID,
  kSourceName,
  kChannel,
  kSourceModuleName,
  kSourceModuleType,
  kEventReceivedTime,
  kProvider,
  kEventData,
  kEventSourceName,
  kSyslogMessage,
  kParameterXml,
  kType,
  kComputer,
  kColumns,
  kHostIdentifier,
  kSnapshot,
  kDiffResults,
  kProcessImagePath,
  kEventMessage,
  kMachTimestamp,
  kEventType,
  kSubsystem,
  kTraceID,
  kFinished,
  kCount,
  kCategory,
  kProperties,
  kTime,
  kActionType,
  kTimestampUpper,
  kTimeGenerated,
  kDeviceId,
  kNetworkMessageId,
  kAlertId,
  kEveEventType,
  kTimestamp,
  kFlowId,
  kSrcIp,
  kDestIp,
  kPath,
  kWriteTs,
  kStream,
  kTs,
  kUid,
  kIdOrigH,
  kIdOrigHFlat,
  kIndex,
  kSource,
  kId,
  kRecords,
  kRecordsUpper,
  kResults,
  kSchema,
  kResult,
  kPreview,
};
inline constexpr size_t kNumKeys = static_cast<size_t>(Key::kPreview) + 1;
using KeySet = std::bitset<kNumKeys>;

template <class... Ks>
KeySet keys(Ks... ks) {
  KeySet set;
  (set.set(static_cast<size_t>(ks)), ...);
  return set;
}

/// A view of one object of a document, with its well-known members found. Reused for the next one.
class Record {
 public:
  /// `in_input`: the document's text lives in the input, so that batches may borrow it.
  /// `known`: which ids of keys are well-known ones, for the parser that gave them.
  void set(const Document& document, uint32_t object, bool in_input, KeyNumbers& known);

  /// The same for one whose layout is known: its well-known members are not looked for.
  void set_known(const Document& document, bool in_input) {
    document_ = &document;
    object_ = 0;
    in_input_ = in_input;
    text_ = document[0].text;
    keys_.reset();
  }

  /// Only its text: nobody asks for members before set_known().
  void set_text(std::string_view text, bool in_input) {
    text_ = text;
    in_input_ = in_input;
  }

  const Document& document() const { return *document_; }

  const Item& item(uint32_t i) const { return (*document_)[i]; }

  uint32_t object() const { return object_; }

  bool in_input() const { return in_input_; }

  /// The object as written.
  std::string_view text() const { return text_; }

  const KeySet& keys() const { return keys_; }

  bool has(Key k) const { return keys_.test(static_cast<size_t>(k)); }

  bool has_all(const KeySet& set) const { return (keys_ & set) == set; }

  bool has_any(const KeySet& set) const { return (keys_ & set).any(); }

  /// The number of a member's item, or 0.
  uint32_t at(Key k) const { return has(k) ? at_[static_cast<size_t>(k)] : 0; }

  /// The text of a string member as written (escaped), or "".
  std::string_view string(Key k) const;

  bool is_object(Key k) const { return has(k) && item(at(k)).is_object(); }

  bool is_array(Key k) const { return has(k) && item(at(k)).is_array(); }

  /// Calls f(number, item) for each member of `object`.
  template <class F>
  void members(uint32_t object, F f) const {
    const Item* const items = &item(0);
    const uint32_t end = items[object].next;
    for (uint32_t i = object + 1; i < end; i = items[i].next)
      f(i, items[i]);
  }

  template <class F>
  void members(F f) const {
    members(object_, f);
  }

 private:
  const Document* document_ = nullptr;
  uint32_t object_ = 0;
  bool in_input_ = false;
  std::string_view text_;
  KeySet keys_;
  std::array<uint32_t, kNumKeys> at_{};
};

/// Buffers that are used again for every value.
struct Scratch {
  std::string text;
  std::string path;
};

/// Writes one JSON value to a field, in the type of its column: numbers and booleans as written (a
/// number in a datetime column is a count since 1970),
/// strings unescaped, arrays and objects as dynamic. Null writes nothing.
void put(Row& row,
         Row::Target target,
         std::string_view name,
         const Item& item,
         bool in_input,
         Scratch& scratch);

inline void put(Row& row,
                std::string_view name,
                uint32_t hash,
                const Item& item,
                bool in_input,
                Scratch& scratch) {
  const Row::Target target = row.target(name, hash);
  if (target != Row::kUnread) put(row, target, name, item, in_input, scratch);
}

/// Writes the members of an object by name; those of objects inside as "outer.inner". An object is
/// also readable as a whole by its own path. `prefix` is put before every name as it is.
/// False: some path was longer than any real one and was left out.
bool put_flat(
    Row& row, const Record& record, uint32_t object, std::string_view prefix, Scratch& scratch);

}  // namespace postern::input::json
