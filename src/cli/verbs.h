// The verbs of the command line; each returns the exit code of docs/cli.md.
#pragma once
#include "cli/flags.h"

namespace postern::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFindings = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitInterrupted = 130;

int hunt_verb(const Arguments& args);
int query_verb(const Arguments& args);
int check_verb(const Arguments& args);
int list_verb(const Arguments& args);
int explain_verb(const Arguments& args);
int test_verb(const Arguments& args);
int prove_verb(const Arguments& args);
int mail_verb(const Arguments& args);
int inspect_verb(const Arguments& args);

/// "postern: message" on stderr.
int usage_error(const std::string& message);

}  // namespace postern::cli
