// Builds the tree of yaml.h from libfyaml's events.
//
// Events instead of libfyaml's own documents: keys stay in order with both marks, a duplicate key
// has a place, and depth and alias expansion are bounded before memory is spent. libfyaml stops
// silently at a NUL byte and reads a scalar with invalid UTF-8 as empty, so both are refused before
// it starts. Marks are byte offsets into the whole text (BOM included), a quoted scalar's without
// its quotes, a block scalar's from the start of its first content line. Source: YAML 1.2.2
// chapters 5-9; merge keys: yaml.org/type/merge.html. Tests: tests/unit/adapt/yaml_test.cc, and
// every Sigma rule and Splunk detection when at hand.
#include "adapt/yaml.h"

#include <algorithm>
#include <array>
#include <map>
#include <unordered_set>

#include <libfyaml.h>

#include "adapt/yaml_scalar.h"
#include "base/text.h"

namespace postern::adapt {

bool YamlNode::is_null() const {
  if (kind != Kind::kScalar || !plain) return false;
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

const YamlNode* YamlNode::find(std::string_view key) const {
  for (const Entry& e : entries)
    if (e.key.is_scalar() && e.key.text == key) return &e.value;
  return nullptr;
}

std::string_view YamlNode::get(std::string_view key) const {
  const YamlNode* value = find(key);
  return value != nullptr && value->is_scalar() ? std::string_view(value->text) : "";
}

uint32_t YamlNode::source_position(size_t at) const {
  at = std::min(at, text.size());
  if (block && !line_begins.empty()) {
    const auto before = std::string_view(text).substr(0, at);
    const auto line = static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
    const size_t newline = before.rfind('\n');
    const size_t column = newline == std::string_view::npos ? at : at - newline - 1;
    // The position after the last newline has no line of its own.
    if (line >= line_begins.size()) return span.end;
    return std::min(line_begins[line] + static_cast<uint32_t>(column), span.end);
  }
  return text_begin == kNoPosition ? span.begin : text_begin + static_cast<uint32_t>(at);
}

namespace {

/// Copies of anchored nodes; nested anchors would otherwise multiply a large document.
constexpr size_t kMaxAnchoredNodes = 1'000'000;

/// From this many entries on, a mapping's keys are hashed to find duplicates.
constexpr size_t kHashKeysFrom = 16;

struct ParserCloser {
  void operator()(fy_parser* p) const { fy_parser_destroy(p); }
};

struct DiagCloser {
  void operator()(fy_diag* d) const { fy_diag_destroy(d); }
};

std::string_view token_text(fy_token* token) {
  size_t size = 0;
  const char* text = token == nullptr ? nullptr : fy_token_get_text(token, &size);
  return text == nullptr ? std::string_view() : std::string_view(text, size);
}

/// Byte offset of a 1-based line and column (columns count code points, as libfyaml does).
uint32_t offset_at(std::string_view text, int line, int column) {
  size_t at = text.substr(0, 3) == "\xef\xbb\xbf" ? 3 : 0;
  for (int n = 1; n < line && at < text.size(); ++n) {
    at = std::min(text.find_first_of("\r\n", at), text.size());
    if (text.substr(at, 2) == "\r\n") ++at;
    if (at < text.size()) ++at;
  }
  for (int n = 1; n < column && at < text.size() && text[at] != '\n'; ++n)
    next_code_point(text, at);
  return static_cast<uint32_t>(at);
}

/// A finished node with what its ancestors and aliases must know of it.
struct Built {
  YamlNode node;
  size_t nodes = 1;
  size_t depth = 1;
};

/// A sequence or mapping whose end has not come yet.
struct Open {
  Built built;
  std::string anchor;
  bool flow = false;
  bool have_key = false;
  YamlNode key;
  std::unordered_set<std::string> keys;  ///< filled once there are kHashKeysFrom entries
  std::vector<YamlNode> merges;          ///< mappings merged by `<<`, the stronger first
  size_t merge_at = 0;                   ///< entry before which they are put
};

/// What aliases and anchors of one text have made, whatever documents it is cut into.
struct Expansion {
  size_t alias_nodes = 0;
  size_t anchored_nodes = 0;
  bool too_large = false;
};

/// Reads a stretch of a text: all of it, or one document.
class Builder {
 public:
  Builder(std::string_view text, Span stretch, Expansion& expansion, Diagnostics& diag)
      : text_(text.substr(0, stretch.end)),
        begin_(stretch.begin),
        is_cut_(stretch.end < text.size()),
        expansion_(expansion),
        diag_(diag),
        last_end_(stretch.begin) {}

  /// False when a document could not be read to its end; those before it are whole.
  bool run();

  std::vector<YamlNode>& documents() { return documents_; }

 private:
  bool refuse_bytes();

  uint32_t offset_of(const fy_mark* mark) const {
    return static_cast<uint32_t>(std::min(begin_ + mark->input_pos, text_.size()));
  }

  bool event(const fy_event& e);
  bool open(YamlNode::Kind kind, fy_token* start, fy_token* anchor, fy_token* tag);
  bool close(fy_token* end);
  bool scalar(fy_token* value, fy_token* anchor, fy_token* tag);
  bool alias(fy_token* name);
  bool finish(Built built, std::string_view anchor, const Span* alias_at = nullptr);
  bool add_entry(Open& map, YamlNode value);
  bool add_merge(Open& map, YamlNode value);
  void apply_merges(Open& map);
  void read_block(YamlNode& node, bool folded, uint32_t before) const;
  uint32_t column_of(uint32_t at) const;
  Span place_of_nothing() const;
  void check_tag(fy_token* tag, YamlNode& node);
  bool too_deep(size_t depth, Span at);
  bool report_errors(fy_diag* collected);
  std::string unclosed_hint() const;

  std::string_view text_;
  size_t begin_;  ///< of what is read, in text_
  bool is_cut_;   ///< text_ is not the whole text
  Expansion& expansion_;
  Diagnostics& diag_;
  std::vector<YamlNode> documents_;
  std::vector<Open> stack_;
  std::map<std::string, Built, std::less<>> anchors_;
  bool at_limit_ = false;
  uint32_t last_end_;  ///< end of the last token seen: where an absent value stands
};

/// What libfyaml would pass over in silence.
bool Builder::refuse_bytes() {
  const std::string_view stretch = text_.substr(begin_);
  const size_t nul = stretch.find('\0');
  if (nul != std::string_view::npos) {
    const auto at = static_cast<uint32_t>(begin_ + nul);
    diag_.error("yaml-syntax", "a NUL byte is not allowed in YAML", {at, at + 1}, "",
                "save the file as UTF-8 text");
    return true;
  }
  if (valid_utf8(stretch)) return false;
  for (size_t at = begin_; at < text_.size();) {
    const size_t begin = at;
    const char32_t c = next_code_point(text_, at);
    // A real U+FFFD takes three bytes, a malformed byte advances by one.
    if (c != 0xFFFD || at - begin != 1) continue;
    diag_.error("yaml-syntax", "bytes that are not UTF-8",
                {static_cast<uint32_t>(begin), static_cast<uint32_t>(at)}, "",
                "save the file as UTF-8 text");
    break;
  }
  return true;
}

bool Builder::run() {
  if (refuse_bytes()) return false;

  fy_diag_cfg diag_config;
  fy_diag_cfg_default(&diag_config);
  diag_config.fp = nullptr;  // collected only: nothing goes to standard error
  diag_config.output_fn = nullptr;
  diag_config.level = FYET_WARNING;
  const std::unique_ptr<fy_diag, DiagCloser> collected(fy_diag_create(&diag_config));
  fy_diag_set_collect_errors(collected.get(), true);

  fy_parse_cfg config{};
  // Sloppy: quoted text and brackets may continue at column 0, which published Splunk searches do
  // and every common reader takes.
  config.flags = static_cast<fy_parse_cfg_flags>(
      FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_SLOPPY_FLOW_INDENTATION | FYPCF_DEFAULT_VERSION_1_2);
  config.diag = collected.get();
  const std::unique_ptr<fy_parser, ParserCloser> parser(fy_parser_create(&config));
  // libfyaml reads blanks before a missing last line end as content of a block.
  std::string ended;
  std::string_view input = text_.substr(begin_);
  if (!input.empty() && input.back() != '\n') input = ended = std::string(input) + "\n";
  if (parser == nullptr || fy_parser_set_string(parser.get(), input.data(), input.size()) != 0) {
    diag_.error("yaml-syntax", "the YAML parser could not start", {last_end_, last_end_});
    return false;
  }

  bool more = true;
  while (more) {
    fy_event* e = fy_parser_parse(parser.get());
    if (e == nullptr) break;
    more = event(*e);
    fy_parser_event_free(parser.get(), e);
  }
  if (report_errors(collected.get()) || at_limit_) return false;
  // Without a collected error this is a fault that libfyaml did not put in words.
  if (!more || !fy_parser_get_stream_error(parser.get())) return true;
  diag_.error("yaml-syntax", "not valid YAML from here on", {last_end_, last_end_});
  return false;
}

/// False ends the parse: end of stream, or a limit was hit.
bool Builder::event(const fy_event& e) {
  switch (e.type) {
    case FYET_DOCUMENT_START:
      stack_.clear();
      anchors_.clear();
      if (e.document_start.document_start != nullptr)
        last_end_ = offset_of(fy_token_end_mark(e.document_start.document_start));
      return true;
    case FYET_MAPPING_START:
      return open(YamlNode::Kind::kMapping, e.mapping_start.mapping_start, e.mapping_start.anchor,
                  e.mapping_start.tag);
    case FYET_SEQUENCE_START:
      return open(YamlNode::Kind::kSequence, e.sequence_start.sequence_start,
                  e.sequence_start.anchor, e.sequence_start.tag);
    case FYET_MAPPING_END:
      return close(e.mapping_end.mapping_end);
    case FYET_SEQUENCE_END:
      return close(e.sequence_end.sequence_end);
    case FYET_SCALAR:
      return scalar(e.scalar.value, e.scalar.anchor, e.scalar.tag);
    case FYET_ALIAS:
      return alias(e.alias.anchor);
    case FYET_STREAM_END:
      return false;
    default:
      return true;
  }
}

bool Builder::too_deep(size_t depth, Span at) {
  if (depth <= kMaxYamlDepth) return false;
  diag_.error("yaml-too-deep", "nested more than " + std::to_string(kMaxYamlDepth) + " levels", at);
  at_limit_ = true;
  return true;
}

bool Builder::open(YamlNode::Kind kind, fy_token* start, fy_token* anchor, fy_token* tag) {
  Open o;
  YamlNode& node = o.built.node;
  node.kind = kind;
  const fy_mark* mark = start == nullptr ? nullptr : fy_token_start_mark(start);
  node.span.begin = mark == nullptr ? last_end_ : offset_of(mark);
  node.span.end = node.span.begin;
  const char first = node.span.begin < text_.size() ? text_[node.span.begin] : '\0';
  const fy_mark* mark_end = mark == nullptr ? nullptr : fy_token_end_mark(start);
  // A block collection starts with an empty token; a flow one with its bracket.
  o.flow = mark_end != nullptr && offset_of(mark_end) > node.span.begin &&
           (first == '[' || first == '{');
  o.anchor = std::string(token_text(anchor));
  check_tag(tag, node);
  last_end_ = std::max(last_end_, node.span.begin);
  if (too_deep(stack_.size() + 1, {node.span.begin, node.span.begin + 1})) return false;
  stack_.push_back(std::move(o));
  return true;
}

bool Builder::close(fy_token* end) {
  Open o = std::move(stack_.back());
  stack_.pop_back();
  const fy_mark* mark = end == nullptr || !o.flow ? nullptr : fy_token_end_mark(end);
  if (mark != nullptr) last_end_ = offset_of(mark);
  o.built.node.span.end = std::max(last_end_, o.built.node.span.begin);
  apply_merges(o);
  return finish(std::move(o.built), o.anchor);
}

/// Where a value that is not written stands: after the `:`, `?` or `-` that asks for it.
Span Builder::place_of_nothing() const {
  uint32_t at = last_end_;
  const bool in_block_sequence = !stack_.empty() && !stack_.back().flow &&
                                 stack_.back().built.node.kind == YamlNode::Kind::kSequence;
  const size_t next = text_.find_first_not_of(in_block_sequence ? " \t\r\n" : " \t", at);
  if (next < text_.size() && (text_[next] == ':' || (in_block_sequence && text_[next] == '-')))
    at = static_cast<uint32_t>(next) + 1;
  return {at, at};
}

bool Builder::scalar(fy_token* value, fy_token* anchor, fy_token* tag) {
  Built built;
  YamlNode& node = built.node;
  const fy_mark* begin = value == nullptr ? nullptr : fy_token_start_mark(value);
  const fy_mark* end = value == nullptr ? nullptr : fy_token_end_mark(value);
  if (begin == nullptr || end == nullptr) {
    node.plain = true;
    node.span = place_of_nothing();
    node.text_begin = node.span.begin;
  } else {
    node.span = {offset_of(begin), offset_of(end)};
    const fy_scalar_style style = fy_token_scalar_style(value);
    const bool single_quoted = style == FYSS_SINGLE_QUOTED;
    const bool double_quoted = style == FYSS_DOUBLE_QUOTED;
    if (style == FYSS_LITERAL || style == FYSS_FOLDED) {
      uint32_t before = last_end_;
      for (fy_token* property : {anchor, tag})
        if (property != nullptr) before = std::max(before, offset_of(fy_token_end_mark(property)));
      read_block(node, style == FYSS_FOLDED, before);
    } else {
      const std::string_view raw = text_.substr(node.span.begin, node.span.end - node.span.begin);
      node.plain = !single_quoted && !double_quoted;
      node.text = flow_scalar_text(raw, double_quoted   ? YamlStyle::kDoubleQuoted
                                        : single_quoted ? YamlStyle::kSingleQuoted
                                                        : YamlStyle::kPlain);
      if (raw == node.text) node.text_begin = node.span.begin;
    }
    if (single_quoted || double_quoted) {
      --node.span.begin;
      ++node.span.end;
    }
  }
  last_end_ = std::max(last_end_, node.span.end);
  check_tag(tag, node);
  return finish(std::move(built), token_text(anchor));
}

/// Value and places of a block; `before` is where the search for its header may begin.
void Builder::read_block(YamlNode& node, bool folded, uint32_t before) const {
  const std::string_view raw = text_.substr(node.span.begin, node.span.end - node.span.begin);
  const uint32_t parent = stack_.empty() ? 0 : column_of(stack_.back().built.node.span.begin);
  const std::string_view header =
      text_.substr(before, node.span.begin - std::min(node.span.begin, before));
  YamlBlockText block = block_scalar_text(raw, parse_block_header(header, folded), parent);
  node.text = std::move(block.text);
  node.block = !folded;
  if (folded) return;
  node.block_indent = block.indent;
  node.line_begins = std::move(block.line_begins);
  for (uint32_t& begin : node.line_begins)
    begin += node.span.begin;
  node.block_begin = node.line_begins.empty() ? node.span.begin : node.line_begins.front();
}

/// Bytes between the start of the line and `at`.
uint32_t Builder::column_of(uint32_t at) const {
  if (at == 0) return 0;
  const size_t line_end = text_.find_last_of("\r\n", at - 1);
  size_t begin = line_end == std::string_view::npos ? 0 : line_end + 1;
  if (begin == 0 && text_.substr(0, 3) == "\xef\xbb\xbf") begin = 3;
  return at - std::min(at, static_cast<uint32_t>(begin));
}

bool Builder::alias(fy_token* name) {
  const std::string_view text = token_text(name);
  const fy_mark* begin = fy_token_start_mark(name);
  const fy_mark* end = fy_token_end_mark(name);
  const Span at{offset_of(begin) - 1, offset_of(end)};  // with its `*`
  last_end_ = at.end;
  const auto found = anchors_.find(text);
  if (found == anchors_.end()) {
    const bool inside =
        std::any_of(stack_.begin(), stack_.end(), [&](const Open& o) { return o.anchor == text; });
    std::vector<std::string_view> names;
    for (const auto& [known, built] : anchors_)
      names.push_back(known);
    const std::string near = nearest_name(text, names);
    diag_.error("yaml-unknown-alias", "no anchor named \"" + std::string(text) + "\" before this",
                at, inside ? "an alias inside its own anchor" : "",
                near.empty() ? "" : "did you mean *" + near + "?");
    Built nothing;  // goes on, so that later mistakes are shown too
    nothing.node.plain = true;
    nothing.node.span = at;
    return finish(std::move(nothing), "", &at);
  }
  if (too_deep(stack_.size() + found->second.depth, at)) return false;
  expansion_.alias_nodes += found->second.nodes;
  if (expansion_.alias_nodes > kMaxYamlAliasNodes) {
    at_limit_ = expansion_.too_large = true;
    diag_.error("yaml-too-large",
                "aliases expand to more than " + std::to_string(kMaxYamlAliasNodes) + " nodes", at);
    return false;
  }
  return finish(found->second, "", &at);
}

/// Puts a complete node where its parent expects it.
bool Builder::finish(Built built, std::string_view anchor, const Span* alias_at) {
  if (!anchor.empty()) {
    expansion_.anchored_nodes += built.nodes;
    if (expansion_.anchored_nodes > kMaxAnchoredNodes) {
      at_limit_ = expansion_.too_large = true;
      diag_.error("yaml-too-large", "anchors inside anchors hold too many nodes", built.node.span);
      return false;
    }
    anchors_[std::string(anchor)] = built;
  }
  if (stack_.empty()) {
    documents_.push_back(std::move(built.node));
    return true;
  }
  Open& parent = stack_.back();
  parent.built.nodes += built.nodes;
  parent.built.depth = std::max(parent.built.depth, built.depth + 1);
  if (parent.built.node.is_sequence()) {
    parent.built.node.items.push_back(std::move(built.node));
  } else if (parent.have_key) {
    parent.have_key = false;
    return add_entry(parent, std::move(built.node));
  } else {
    parent.have_key = true;
    parent.key = std::move(built.node);
    // A key that came by an alias has the place of its anchor; show where it is used.
    if (alias_at != nullptr) parent.key.span = *alias_at;
  }
  return true;
}

bool Builder::add_entry(Open& map, YamlNode value) {
  if (map.key.is_scalar() && map.key.plain && map.key.text == "<<")
    return add_merge(map, std::move(value));
  std::vector<YamlNode::Entry>& entries = map.built.node.entries;
  if (map.key.is_scalar()) {
    bool known = false;
    if (entries.size() < kHashKeysFrom) {
      known = map.built.node.find(map.key.text) != nullptr;
    } else {
      if (map.keys.empty())
        for (const YamlNode::Entry& e : entries)
          if (e.key.is_scalar()) map.keys.insert(e.key.text);
      known = !map.keys.insert(map.key.text).second;
    }
    if (known) {
      diag_.error("yaml-duplicate-key", "the key \"" + map.key.text + "\" appears twice",
                  map.key.span, "", "rename or remove one; YAML keeps only one of them");
      return true;
    }
  }
  entries.push_back({std::move(map.key), std::move(value)});
  return true;
}

bool Builder::add_merge(Open& map, YamlNode value) {
  const Span at = map.key.span;
  if (map.merges.empty()) map.merge_at = map.built.node.entries.size();
  std::vector<YamlNode> sources;
  if (value.is_sequence())
    sources = std::move(value.items);
  else
    sources.push_back(std::move(value));
  for (YamlNode& source : sources) {
    if (source.is_mapping())
      map.merges.push_back(std::move(source));
    else
      diag_.error("yaml-bad-merge", "`<<` takes a mapping or a list of mappings", at, "",
                  "name an anchored mapping: <<: *name");
  }
  return true;
}

/// Written keys win over merged ones, and of those the first.
void Builder::apply_merges(Open& map) {
  if (map.merges.empty()) return;
  std::vector<YamlNode::Entry>& entries = map.built.node.entries;
  std::unordered_set<std::string> keys;
  for (const YamlNode::Entry& e : entries)
    if (e.key.is_scalar()) keys.insert(e.key.text);
  std::vector<YamlNode::Entry> merged;
  for (YamlNode& source : map.merges)
    for (YamlNode::Entry& e : source.entries)
      if (!e.key.is_scalar() || keys.insert(e.key.text).second) merged.push_back(std::move(e));
  entries.insert(entries.begin() + static_cast<std::ptrdiff_t>(map.merge_at),
                 std::make_move_iterator(merged.begin()), std::make_move_iterator(merged.end()));
}

/// `!!str` and `!` make text of a plain scalar; the other core tags say what the reader finds
/// anyway.
void Builder::check_tag(fy_token* tag, YamlNode& node) {
  if (tag == nullptr) return;
  size_t size = 0;
  const char* handle_text = fy_tag_token_handle(tag, &size);
  const std::string_view handle = handle_text == nullptr ? "" : std::string_view(handle_text, size);
  const char* suffix_text = fy_tag_token_suffix(tag, &size);
  std::string_view suffix = suffix_text == nullptr ? "" : std::string_view(suffix_text, size);
  constexpr std::string_view kCore = "tag:yaml.org,2002:";
  bool core = handle == "!!";
  if (handle.empty() && suffix.substr(0, kCore.size()) == kCore) {
    core = true;
    suffix.remove_prefix(kCore.size());
  }
  const bool non_specific = handle == "!" && suffix.empty();
  if (non_specific || (core && suffix == "str")) {
    node.plain = false;
    return;
  }
  constexpr std::array<std::string_view, 6> kKnown = {"int", "float", "bool", "null", "map", "seq"};
  if (core && std::find(kKnown.begin(), kKnown.end(), suffix) != kKnown.end()) return;
  const Span at{offset_of(fy_token_start_mark(tag)), offset_of(fy_token_end_mark(tag))};
  diag_.warning("yaml-tag-ignored",
                "the tag " + std::string(text_.substr(at.begin, at.end - at.begin)) + " is ignored",
                at);
}

/// An unclosed bracket is noticed at the end of the text; the cause is where it was opened.
std::string Builder::unclosed_hint() const {
  for (size_t i = stack_.size(); i-- > 0;) {
    if (!stack_[i].flow) continue;
    const uint32_t begin = stack_[i].built.node.span.begin;
    const LineColumn place = line_column(text_, begin);
    return std::string("the `") + text_[begin] + "` of line " + std::to_string(place.line) +
           ", column " + std::to_string(place.column) + " is still open";
  }
  return "";
}

/// True when there was an error; what follows the first one follows from it.
bool Builder::report_errors(fy_diag* collected) {
  void* iterator = nullptr;
  while (const fy_diag_error* e = fy_diag_errors_iterate(collected, &iterator)) {
    auto at = static_cast<uint32_t>(begin_ + offset_at(text_.substr(begin_), e->line, e->column));
    // What is missing at the end of a document is not a mistake of the next one.
    if (at == text_.size() && is_cut_) --at;
    const Span span{at, at < text_.size() ? at + 1 : at};
    const std::string message = e->msg == nullptr ? "not valid YAML" : e->msg;
    if (e->type < FYET_ERROR) {
      diag_.warning("yaml-directive", message, span);
      continue;
    }
    diag_.error("yaml-syntax", message, span, "", unclosed_hint());
    return true;
  }
  return false;
}

/// Whether there is more than comments and directives: a document, or a `---` that begins one.
bool has_content(std::string_view text) {
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim(text.substr(0, end));
    if (!line.empty() && line[0] != '#' && line[0] != '%') return true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

/// Where the next document begins, from the line after `at` on: at `---`, or behind `...`. Neither
/// can stand at the start of a line within a document, whatever is open there.
size_t next_document(std::string_view text, size_t at) {
  for (;;) {
    at = text.find('\n', at);
    if (at == std::string_view::npos) return text.size();
    const std::string_view mark = text.substr(++at, 3);
    if (mark != "---" && mark != "...") continue;
    if (at + 3 < text.size() && !ascii_space(text[at + 3])) continue;
    return mark == "---" ? at : std::min(text.find('\n', at), text.size() - 1) + 1;
  }
}

/// The document that begins at `begin`, with the comments before and after it.
Span document_at(std::string_view text, uint32_t begin) {
  // The first document's own `---` has only comments and directives before it.
  size_t end = begin;
  do
    end = next_document(text, end);
  while (end < text.size() && !has_content(text.substr(begin, end - begin)));
  return {begin, static_cast<uint32_t>(end)};
}

}  // namespace

std::vector<Span> yaml_documents(std::string_view text) {
  std::vector<Span> out;
  text = text.substr(0, YamlNode::kNoPosition - 1);
  for (uint32_t begin = 0; begin < text.size(); begin = out.back().end)
    out.push_back(document_at(text, begin));
  return out;
}

std::vector<YamlNode> parse_yaml(const Source& source,
                                 Diagnostics& diag,
                                 std::vector<Span>* broken) {
  const std::string_view text = source.text;
  if (text.size() >= YamlNode::kNoPosition) {
    diag.error("yaml-too-large", "a YAML text of 4 GiB or more", Span{});
    return {};
  }
  const auto size = static_cast<uint32_t>(text.size());
  Diagnostics told;
  Expansion expansion;
  Builder whole(text, {0, size}, expansion, told);
  if (whole.run()) {
    for (const Diagnostic& d : told.all())
      diag.add(d);
    return std::move(whole.documents());
  }
  // One of the documents is not YAML. libfyaml cannot go on behind that, and may have read on into
  // the documents after it: each is read by itself.
  std::vector<YamlNode> documents;
  expansion = {};
  for (uint32_t begin = 0; begin < size && !expansion.too_large;) {
    const Span stretch = document_at(text, begin);
    Builder one(text, stretch, expansion, diag);
    if (!one.run() && broken) broken->push_back(stretch);
    for (YamlNode& d : one.documents())
      documents.push_back(std::move(d));
    begin = stretch.end;
  }
  return documents;
}

}  // namespace postern::adapt
