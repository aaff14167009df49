// The names of Splunk's search commands that postern does not run: they are refused by name, and a
// misspelt command is told from one that exists (Splunk Search Reference, list of commands).
#pragma once
#include <string_view>
#include <vector>

namespace postern::lang::spl {

bool is_refused_command(std::string_view name);
std::vector<std::string_view> refused_command_names();

}  // namespace postern::lang::spl
