# Debian packages behind our adapters; each is linked by the one library whose .cc hides it.
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(FYAML REQUIRED IMPORTED_TARGET libfyaml)
pkg_check_modules(SIMDJSON REQUIRED IMPORTED_TARGET simdjson)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(ARCHIVE REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(PCAP REQUIRED IMPORTED_TARGET libpcap)
# 4.2.3 of plain bookworm crashes on valid rules; 4.5 is in bookworm-backports.
pkg_check_modules(YARA REQUIRED IMPORTED_TARGET yara>=4.5)

# The heap of the programs that are run and measured (docs/decisions/0006); sanitizers bring their own.
add_library(postern_heap INTERFACE)
if(POSTERN_HEAP STREQUAL "jemalloc")
  pkg_check_modules(JEMALLOC REQUIRED IMPORTED_TARGET jemalloc)
  target_link_libraries(postern_heap INTERFACE PkgConfig::JEMALLOC)
endif()
