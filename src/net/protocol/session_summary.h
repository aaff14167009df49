// What is known of a mail session at its end, whatever protocol it spoke.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "net/stream/reassembly.h"

namespace postern::net::protocol {

struct SessionSummary {
  stream::Moment begin;
  std::string banner;                   ///< text of the greeting
  std::vector<std::string> extensions;  ///< that the server named last, as it wrote them
  std::string auth_mechanism;           ///< "LOGIN" also for the commands LOGIN and USER/PASS
  std::string auth_user;
  uint32_t auth_attempts = 0;
  bool auth_accepted = false;
  bool starttls_offered = false;
  bool starttls = false;      ///< the client asked for it
  bool tls = false;           ///< and the server agreed
  uint64_t num_messages = 0;  ///< contents whose end was seen; of a mailbox, whole messages
  uint64_t num_commands = 0;
  uint64_t client_bytes = 0;
  uint64_t server_bytes = 0;
  std::string last_reply;
  bool early_talker = false;  ///< the client spoke before the greeting
  bool quit = false;          ///< it took its leave
};

}  // namespace postern::net::protocol
