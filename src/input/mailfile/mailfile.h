// Mail files as evidence: single messages (.eml, RFC 5322) and mbox archives (RFC 4155, and the
// ">From " quoting of mboxrd). Rows of mail.message and mail.attachment, contents to the scanner.
// The envelope is what the last server wrote into the headers: Return-Path, Delivered-To.
// Tests: tests/unit/input/mailfile_test.cc.
#pragma once
#include <string_view>

#include "input/format.h"

namespace postern::input::mailfile {

/// Begins with header fields, of which at least two are a mail's.
bool detect_message(std::string_view head);
void decode_message(const Input& input, DecodeContext& context);

/// Begins with a "From " line that ends in a date, and then header fields.
bool detect_mbox(std::string_view head);
void decode_mbox(const Input& input, DecodeContext& context);

}  // namespace postern::input::mailfile
