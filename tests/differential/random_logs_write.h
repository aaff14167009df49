// The writers of random_logs.h, one for each kind of format.
#pragma once
#include "random_logs.h"

namespace postern::differential {

std::string write_json(const std::vector<Event>& events,
                       LogFormat format,
                       const Writing& writing,
                       Random& random);
std::string write_evtx(const std::vector<Event>& events, Random& random);
std::string write_auditd(const std::vector<Event>& events, const Writing& writing, Random& random);
std::string write_zeek_tsv(const std::vector<Event>& events, const Writing& writing);

/// "2024-05-01T08:00:00" and so many seconds.
std::string time_text(int64_t second, char separator);

}  // namespace postern::differential
