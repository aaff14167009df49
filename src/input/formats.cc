// The registry of evidence formats, most specific first.
#include "input/evtx/evtx.h"
#include "input/format.h"
#include "input/winxml/winxml.h"

namespace postern::input {

const std::vector<Format>& formats() {
  static const std::vector<Format> all = {
      {"evtx", evtx::detect, evtx::decode},
      {"windows-xml", winxml::detect, winxml::decode},
  };
  return all;
}

const Format* detect_format(std::string_view head) {
  for (const Format& f : formats())
    if (f.detect(head)) return &f;
  return nullptr;
}

}  // namespace postern::input
