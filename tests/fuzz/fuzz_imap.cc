// Any bytes as a session, see fuzz_mailbox.h.
#include "fuzz_mailbox.h"
#include "net/protocol/imap/session.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  postern::fuzz::run_mailbox<postern::net::protocol::imap::Session>(data, size);
  return 0;
}
