#include "random_logs_write.h"

#include <algorithm>
#include <cstdio>

#include "base/text.h"
#include "tests/support/evtx_builder.h"

namespace postern::differential {
namespace {

constexpr int64_t kEpoch = 1'714'521'600;  // 2024-05-01
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

std::string hex_of(uint32_t v, int digits) {
  char out[16];
  std::snprintf(out, sizeof out, "%0*x", digits, v);
  return out;
}

std::string utf16_of(std::string_view text) {
  std::string out;
  const auto unit = [&](uint32_t u) {
    out.push_back(static_cast<char>(u & 0xFF));
    out.push_back(static_cast<char>(u >> 8));
  };
  for (size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    if (c >= 0x10000) {
      unit(0xD800 + ((c - 0x10000) >> 10));
      unit(0xDC00 + ((c - 0x10000) & 0x3FF));
    } else {
      unit(static_cast<uint32_t>(c));
    }
  }
  return out;
}

/// A GUID in braces as it lies in binary logs.
std::string guid_bytes(const std::string& text) {
  static constexpr size_t kPlaces[] = {7, 5, 3, 1, 12, 10, 17, 15, 20, 22, 25, 27, 29, 31, 33, 35};
  std::string out;
  for (const size_t at : kPlaces)
    out.push_back(static_cast<char>(std::stoi(text.substr(at, 2), nullptr, 16)));
  return out;
}

// ---- JSON

/// Writes one document; `escapes` and `lines` of the writing are drawn for each anew.
class JsonWriter {
 public:
  JsonWriter(Random& random, const Writing& writing)
      : random_(random),
        escapes_(writing.escapes && random.one_in(3)),
        lines_(writing.lines && !random.one_in(3)) {}

  std::string take() { return std::move(out_); }

  void open(char bracket) {
    out_.push_back(bracket);
    first_ = true;
    ++depth_;
  }

  void close(char bracket) {
    --depth_;
    blank();
    out_.push_back(bracket);
    first_ = false;
  }

  void key(std::string_view name) {
    next();
    text(name, false);
    if (lines_ && random_.one_in(4)) out_.push_back(' ');
    out_.push_back(':');
    if (lines_ && random_.one_in(2)) out_.push_back(' ');
  }

  void next() {
    if (!first_) out_.push_back(',');
    first_ = false;
    blank();
  }

  void text(std::string_view value, bool may_be_broken = true) {
    out_.push_back('"');
    for (const std::string& c : characters(value))
      character(c, may_be_broken);
    out_.push_back('"');
  }

  void word(std::string_view value) { out_ += value; }

  void number(std::string_view value) { escapes_&& random_.one_in(3) ? text(value) : word(value); }

 private:
  void blank() {
    if (!lines_ || random_.one_in(3)) return;
    out_ += random_.one_in(5) ? "\r\n" : "\n";
    out_.append(static_cast<size_t>(depth_) + 1, ' ');
  }

  void character(const std::string& c, bool may_be_broken) {
    if (c == kReplacement && may_be_broken && escapes_) {
      // Both are shown so.
      out_ += random_.one_in(2) ? "\xff" : "\\ud800";
    } else if (c.size() == 1 && static_cast<uint8_t>(c[0]) < 0x20) {
      static constexpr std::pair<char, char> kNamed[] = {{'\t', 't'}, {'\r', 'r'}, {'\n', 'n'}};
      const auto* named = std::find_if(std::begin(kNamed), std::end(kNamed),
                                       [&](const auto& p) { return p.first == c[0]; });
      if (named != std::end(kNamed) && !(escapes_ && random_.one_in(3)))
        out_.append("\\").push_back(named->second);
      else
        out_ += "\\u" + hex_of(static_cast<uint8_t>(c[0]), 4);
    } else if (escapes_ && random_.one_in(12)) {
      const std::string units = utf16_of(c);
      for (size_t i = 0; i < units.size(); i += 2)
        out_ += "\\u" + hex_of(static_cast<uint8_t>(units[i]) |
                                   static_cast<uint32_t>(static_cast<uint8_t>(units[i + 1])) << 8,
                               4);
    } else if (c == "\"" || c == "\\" || (c == "/" && escapes_ && random_.one_in(2))) {
      out_ += "\\" + c;
    } else {
      out_ += c;
    }
  }

  Random& random_;
  bool escapes_;
  bool lines_;
  bool first_ = true;
  int depth_ = 0;
  std::string out_;
};

void put_value(JsonWriter& w, const Member& m, bool without_braces) {
  switch (m.kind) {
    case Member::Kind::kText:
      // Tools that print typed values lose the braces, and the decoder puts them back.
      if (without_braces && m.name == "ProcessGuid")
        return w.text(std::string_view(m.texts[0]).substr(1, m.texts[0].size() - 2));
      return w.text(m.texts[0]);
    case Member::Kind::kNumber:
      return w.number(m.texts[0]);
    case Member::Kind::kTrue:
      return w.word("true");
    case Member::Kind::kNull:
      return w.word("null");
    case Member::Kind::kList:
      w.open('[');
      for (const std::string& t : m.texts) {
        w.next();
        w.text(t);
      }
      return w.close(']');
    case Member::Kind::kObject:
      w.open('{');
      w.key(m.name + "Inner");
      w.text(m.texts[0]);
      return w.close('}');
  }
}

/// A member of the header, or a data field.
struct Part {
  std::string key;
  const Member* member = nullptr;
  std::string text;
  bool number = false;
  bool as_it_is = false;  ///< tells layouts apart, and is never escaped
};

void put_parts(JsonWriter& w, const std::vector<Part>& parts, bool without_braces) {
  for (const Part& p : parts) {
    w.key(p.key);
    if (p.member)
      put_value(w, *p.member, without_braces);
    else if (p.number)
      w.number(p.text);
    else if (p.as_it_is)
      w.word("\"" + p.text + "\"");
    else
      w.text(p.text);
  }
}

/// Members in another order; those with the same name stay in theirs.
void shuffle(std::vector<Part>& parts, Random& random) {
  std::vector<Part> old = std::move(parts);
  parts.clear();
  // Blanks are no part of a column's name.
  const auto name_of = [](std::string name) {
    std::erase(name, ' ');
    return name;
  };
  std::vector<size_t> order;
  for (size_t i = 0; i < old.size(); ++i)
    order.push_back(i);
  for (size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[random.below(i)]);
  std::vector<bool> used(old.size());
  for (const size_t at : order)
    for (size_t i = 0; i < old.size(); ++i) {
      if (used[i] || name_of(old[i].key) != name_of(old[at].key)) continue;
      used[i] = true;
      parts.push_back(old[i]);
      break;
    }
}

std::vector<Part> data_of(const Event& e, const std::string& prefix = "") {
  std::vector<Part> parts;
  for (const Member& m : e.members)
    parts.push_back({prefix + m.name, &m, "", false});
  return parts;
}

void add(std::vector<Part>& to, std::vector<Part> more) {
  to.insert(to.end(), more.begin(), more.end());
}

class JsonLog {
 public:
  JsonLog(LogFormat format, const Writing& writing, Random& random)
      : format_(format), writing_(writing), random_(random) {}

  std::string document(const Event& e) {
    JsonWriter w(random_, writing_);
    w.open('{');
    switch (format_) {
      case LogFormat::kWec:
      case LogFormat::kNxlog:
        put(w, flat(e));
        break;
      case LogFormat::kWinlogbeat7:
        e.dotted ? beats7_dotted(w, e) : beats7(w, e);
        break;
      case LogFormat::kWinlogbeat6:
        beats6(w, e);
        break;
      case LogFormat::kEvtxDump:
        evtx_dump(w, e);
        break;
      default:
        put(w, zeek(e));
        break;
    }
    w.close('}');
    return w.take();
  }

 private:
  void put(JsonWriter& w, std::vector<Part> parts) {
    if (writing_.shuffled) shuffle(parts, random_);
    put_parts(w, parts, format_ == LogFormat::kEvtxDump);
  }

  std::vector<Part> flat(const Event& e) const {
    const bool nxlog = format_ == LogFormat::kNxlog;
    std::vector<Part> parts;
    if (nxlog)
      parts = {{"EventTime", nullptr, time_text(e.second, ' '), false},
               {"SourceModuleName", nullptr, "eventlog", false},
               {"SourceModuleType", nullptr, "im_msvistalog", false},
               {"EventType", nullptr, e.second % 3 == 0 ? "INFO" : "WARNING", false},
               {"ThreadID", nullptr, std::to_string(e.second % 9), true}};
    else
      parts = {{"@timestamp", nullptr, time_text(e.second, 'T') + "Z", false}};
    add(parts, {{"EventID", nullptr, std::to_string(e.id), true},
                {"SourceName", nullptr, e.provider, false},
                {"Channel", nullptr, e.channel, false},
                {"Hostname", nullptr, e.second % 7 == 0 ? "HOST2" : "host1.example.com", false}});
    if (e.second % 5 == 0) parts.push_back({"Level", nullptr, "4", true});
    // NXLog calls the process that wrote the log so; then the event's own id is lost.
    if (nxlog && e.second % 2 == 0) parts.push_back({"ProcessID", nullptr, "77", true});
    if (nxlog && e.second % 4 == 0) parts.push_back({"ExecutionProcessID", nullptr, "78", true});
    add(parts, data_of(e));
    return parts;
  }

  void object(JsonWriter& w, std::string_view key, std::vector<Part> parts) {
    w.key(key);
    w.open('{');
    put(w, std::move(parts));
    w.close('}');
  }

  void beats7(JsonWriter& w, const Event& e) {
    put(w, {{"@timestamp", nullptr, time_text(e.second, 'T') + "Z", false}});
    w.key("winlog");
    w.open('{');
    put(w, {{"event_id", nullptr, std::to_string(e.id), true},
            {"provider_name", nullptr, e.provider, false},
            {"channel", nullptr, e.channel, false},
            {"computer_name", nullptr, "host1", false}});
    object(w, "event_data", data_of(e));
    w.close('}');
  }

  void beats7_dotted(JsonWriter& w, const Event& e) {
    std::vector<Part> parts = {{"@timestamp", nullptr, time_text(e.second, 'T') + "Z", false},
                               {"winlog.event_id", nullptr, std::to_string(e.id), true},
                               {"winlog.provider_name", nullptr, e.provider, false},
                               {"winlog.channel", nullptr, e.channel, false},
                               {"winlog.computer_name", nullptr, "host1", false}};
    add(parts, data_of(e, "winlog.event_data."));
    put(w, parts);
  }

  void beats6(JsonWriter& w, const Event& e) {
    put(w, {{"@timestamp", nullptr, time_text(e.second, 'T') + "Z", false},
            {"event_id", nullptr, std::to_string(e.id), true},
            {"log_name", nullptr, e.channel, false},
            {"source_name", nullptr, e.provider, false},
            {"computer_name", nullptr, "host1", false}});
    object(w, "event_data", data_of(e));
  }

  void evtx_dump(JsonWriter& w, const Event& e) {
    w.key("Event");
    w.open('{');
    w.key("System");
    w.open('{');
    w.key("Provider");
    w.open('{');
    object(w, "#attributes", {{"Name", nullptr, e.provider, false}});
    w.close('}');
    w.key("TimeCreated");
    w.open('{');
    object(w, "#attributes", {{"SystemTime", nullptr, time_text(e.second, 'T') + "Z", false}});
    w.close('}');
    put(w, {{"EventID", nullptr, std::to_string(e.id), true},
            {"Channel", nullptr, e.channel, false},
            {"Computer", nullptr, "host1", false}});
    w.close('}');
    object(w, "EventData", data_of(e));
    w.close('}');
  }

  static std::vector<Part> zeek(const Event& e) {
    std::vector<Part> parts = {{"ts", nullptr, time_text(e.second, 'T') + "Z", false},
                               {"uid", nullptr, "C" + std::to_string(e.second), false},
                               {"_path", nullptr, e.type, false, true}};
    add(parts, data_of(e));
    return parts;
  }

  LogFormat format_;
  const Writing& writing_;
  Random& random_;
};

}  // namespace

std::string time_text(int64_t second, char separator) {
  char out[40];
  std::snprintf(out, sizeof out, "2024-05-%02d%c%02d:%02d:%02d",
                static_cast<int>(1 + second / 86400), separator,
                static_cast<int>(second / 3600 % 24), static_cast<int>(second / 60 % 60),
                static_cast<int>(second % 60));
  return out;
}

std::string write_json(const std::vector<Event>& events,
                       LogFormat format,
                       const Writing& writing,
                       Random& random) {
  JsonLog log(format, writing, random);
  std::string out;
  for (const Event& e : events)
    out += log.document(e) + (writing.carriage ? "\r\n" : "\n");
  return out;
}

// ---- EVTX

std::string write_evtx(const std::vector<Event>& events, Random& random) {
  using namespace input::evtx;
  using Builder = ChunkBuilder;
  constexpr size_t kLargestRecord = 16'000;
  std::vector<std::string> chunks;
  auto chunk = std::make_unique<Builder>();
  // The same fields have the same template within a chunk.
  std::map<std::vector<std::string>, uint32_t> templates;
  const auto value_of = [&](const Member& m) {
    std::string bytes =
        utf16_of(m.texts[0].substr(0, m.texts[0].size() > 4000 ? 4000 : std::string::npos));
    if (m.name == "ProcessGuid" && m.texts[0].size() == 38)
      return Builder::value(ValueType::kGuid, guid_bytes(m.texts[0]));
    if (m.kind == Member::Kind::kNull) return Builder::value(ValueType::kNull, "");
    if (m.kind == Member::Kind::kTrue)
      return Builder::value(ValueType::kBool, bytes_of(uint32_t{1}));
    if (m.kind == Member::Kind::kNumber && m.texts[0].size() < 9)
      return random.one_in(3)
                 ? Builder::value(ValueType::kUInt64, bytes_of(uint64_t{std::stoull(m.texts[0])}))
                 : Builder::value(ValueType::kUInt32,
                                  bytes_of(static_cast<uint32_t>(std::stoul(m.texts[0]))));
    if (m.kind == Member::Kind::kList) {
      std::string all;
      for (const std::string& t : m.texts)
        all += utf16_of(t.substr(0, t.find('\0'))) + std::string(2, '\0');
      return Builder::array(ValueType::kString, all);
    }
    if (random.one_in(4)) bytes += std::string(2, '\0');
    return Builder::value(ValueType::kString, bytes);
  };
  for (const Event& e : events) {
    if (chunk->at() + kLargestRecord > kChunkBytes) {
      chunks.push_back(chunk->finish());
      chunk = std::make_unique<Builder>();
      templates.clear();
    }
    TestEvent head;
    head.provider = e.provider;
    head.channel = e.channel;
    head.id = static_cast<uint16_t>(e.id);
    head.time = (static_cast<uint64_t>(e.second + kEpoch) + 11'644'473'600) * 10'000'000;
    head.record_id = static_cast<uint64_t>(e.second) + 1;
    std::vector<std::string> names;
    std::vector<Builder::Value> values;
    for (const Member& m : e.members) {
      names.push_back(m.name);
      values.push_back(value_of(m));
    }
    const auto id = templates.try_emplace(names, 2000 + static_cast<uint32_t>(templates.size()));
    const auto data = event_data(id.first->second, names, values);
    chunk->record(head.record_id, [&](Builder& r) { write_event(r, head, data); });
  }
  chunks.push_back(chunk->finish());
  return evtx_file(chunks);
}

// ---- audit.log

/// Whether the decoder takes hex for the text of a field: of arguments only where they are texts.
static bool may_be_hex(const Event& e, const Member& m) {
  return m.name != "unit" && std::string_view(e.type) != "execve";
}

std::string write_auditd(const std::vector<Event>& events, const Writing& writing, Random& random) {
  static const std::vector<std::string> kPlain = {"success", "uid", "pid", "auid", "nametype"};
  std::string out;
  for (const Event& e : events) {
    // The same number for all records of an event.
    out += std::string("type=") + e.type + " msg=audit(" + std::to_string(kEpoch + e.second) +
           ".000:" + std::to_string(e.second + 1) + "):";
    const bool user = std::string_view(e.type).starts_with("USER") ||
                      std::string_view(e.type).starts_with("SERVICE");
    if (std::string_view(e.type).starts_with("S") && !user) {
      static const std::vector<std::string> kCalls = {"42", "59", "2", "257", "9999"};
      out += " arch=c000003e syscall=" + kCalls[static_cast<size_t>(e.second) * 7 % kCalls.size()];
    }
    if (user) out += " pid=1 uid=0 auid=4294967295 ses=4294967295 msg='";
    for (const Member& m : e.members) {
      if (m.kind == Member::Kind::kNull) continue;
      const std::string& text = m.texts[0];
      out += out.back() == '\'' ? m.name + "=" : " " + m.name + "=";
      const bool number =
          !text.empty() && text.size() < 9 && std::all_of(text.begin(), text.end(), ascii_digit);
      if (std::find(kPlain.begin(), kPlain.end(), m.name) != kPlain.end()) {
        out += number ? text : "0";
        continue;
      }
      // As the kernel decides; where it may choose, both are tried.
      const bool quotable = std::all_of(text.begin(), text.end(), [](char c) {
        return c > ' ' && c != '"' && c != '\'' && c < 0x7f;
      });
      if (quotable && !text.empty() && m.name != "proctitle" && m.name != "cmd" &&
          (!may_be_hex(e, m) || !(writing.escapes && random.one_in(3))))
        out += "\"" + text + "\"";
      else if (text.empty())
        out += "\"\"";
      else
        for (const char c : text)
          out += "0123456789ABCDEF"[static_cast<uint8_t>(c) >> 4],
              out += "0123456789ABCDEF"[static_cast<uint8_t>(c) & 15];
    }
    if (user) out += "'";
    out += writing.carriage ? "\r\n" : "\n";
  }
  return out;
}

// ---- Zeek

std::string write_zeek_tsv(const std::vector<Event>& events, const Writing& writing) {
  static const std::vector<std::pair<std::string, std::string>> kColumns = {
      {"id.orig_h", "addr"},    {"id.orig_p", "port"}, {"id.resp_h", "addr"},
      {"id.resp_p", "port"},    {"proto", "enum"},     {"service", "string"},
      {"conn_state", "string"}, {"history", "string"}, {"orig_bytes", "count"}};
  const std::string end = writing.carriage ? "\r\n" : "\n";
  std::string out = "#separator \\x09" + end + "#set_separator\t," + end + "#empty_field\t(empty)" +
                    end + "#unset_field\t-" + end + "#path\tconn" + end;
  std::string types = "#types\ttime\tstring";
  out += "#fields\tts\tuid";
  for (const auto& [name, type] : kColumns) {
    out += "\t" + name;
    types += "\t" + type;
  }
  out += end + types + end;
  for (const Event& e : events) {
    out += std::to_string(kEpoch + e.second) + ".000000\tC" + std::to_string(e.second);
    for (const auto& column : kColumns) {
      const std::string& name = column.first;
      const auto m = std::find_if(e.members.begin(), e.members.end(),
                                  [&](const Member& one) { return one.name == name; });
      out.push_back('\t');
      if (m == e.members.end() || m->kind == Member::Kind::kNull) {
        out += "-";
        continue;
      }
      if (m->texts[0].empty()) out += "(empty)";
      for (const char c : m->texts[0])
        if (static_cast<uint8_t>(c) < 0x20 || c == '\\')
          out += "\\x" + hex_of(static_cast<uint8_t>(c), 2);
        else
          out.push_back(c);
    }
    out += end;
  }
  return out;
}

}  // namespace postern::differential
