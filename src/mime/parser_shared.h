// What the parsers of one message have in common; for the parts of the parser alone.
#pragma once
#include "mime/parser.h"

namespace postern::mime {

struct Parser::Shared {
  Handler& handler;
  Limits limits;
  uint32_t num_parts = 0;
  uint32_t num_messages = 0;  // nested, open now
  bool told_too_many = false;
};

}  // namespace postern::mime
