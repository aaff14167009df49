#include "mime/magic.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/text.h"

namespace postern::mime {
namespace {

using namespace std::string_view_literals;

struct Signature {
  size_t offset;
  std::string_view bytes;
  std::string_view type;
};

// The formats that mail carries and that malware hides in. First match wins.
constexpr Signature kSignatures[] = {
    {0, "MZ"sv, "application/x-dosexec"},
    {0,
     "\x7f"
     "ELF"sv,
     "application/x-executable"},
    {0, "\xcf\xfa\xed\xfe"sv, "application/x-mach-binary"},
    {0, "\xce\xfa\xed\xfe"sv, "application/x-mach-binary"},
    {0, "dex\n"sv, "application/x-dex"},
    {0, "\0asm"sv, "application/wasm"},
    {0, "%PDF-"sv, "application/pdf"},
    {0, "%!PS"sv, "application/postscript"},
    {0, "{\\rtf"sv, "text/rtf"},
    {0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, "application/x-ole-storage"},
    {0, "PK\x05\x06"sv, "application/zip"},
    {0, "PK\x07\x08"sv, "application/zip"},
    {0, "Rar!\x1a\x07"sv, "application/x-rar"},
    {0, "7z\xbc\xaf\x27\x1c"sv, "application/x-7z-compressed"},
    {0, "\x1f\x8b"sv, "application/gzip"},
    {0, "BZh"sv, "application/x-bzip2"},
    {0,
     "\xfd"
     "7zXZ\0"sv,
     "application/x-xz"},
    {0, "\x28\xb5\x2f\xfd"sv, "application/zstd"},
    {0, "\x04\x22\x4d\x18"sv, "application/x-lz4"},
    {0, "LZIP"sv, "application/x-lzip"},
    {0, "MSCF"sv, "application/vnd.ms-cab-compressed"},
    {0, "\x60\xea"sv, "application/x-arj"},
    {2, "-lh"sv, "application/x-lzh"},
    {7, "**ACE**"sv, "application/x-ace"},
    {257, "ustar"sv, "application/x-tar"},
    {0, "!<arch>\n"sv, "application/x-archive"},
    {0, "\xed\xab\xee\xdb"sv, "application/x-rpm"},
    {0, "070701"sv, "application/x-cpio"},
    {0, "ITSF\x03\0\0\0"sv, "application/vnd.ms-htmlhelp"},
    {0, "L\0\0\0\x01\x14\x02\0"sv, "application/x-ms-shortcut"},
    {0, "\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d"sv, "application/onenote"},
    {0, "x\x9f\x3e\x22"sv, "application/vnd.ms-tnef"},
    {0, "!BDN"sv, "application/vnd.ms-outlook-pst"},
    {0, "conectix"sv, "application/x-vhd"},
    {0, "vhdxfile"sv, "application/x-vhdx"},
    {0, "SQLite format 3\0"sv, "application/vnd.sqlite3"},
    {0, "\x89PNG\r\n\x1a\n"sv, "image/png"},
    {0, "\xff\xd8\xff"sv, "image/jpeg"},
    {0, "GIF87a"sv, "image/gif"},
    {0, "GIF89a"sv, "image/gif"},
    {0, "II*\0"sv, "image/tiff"},
    {0, "MM\0*"sv, "image/tiff"},
    {0, "8BPS"sv, "image/vnd.adobe.photoshop"},
    {0, "\0\0\x01\0"sv, "image/x-icon"},
    {0, "\xd7\xcd\xc6\x9a"sv, "image/wmf"},
    {40, " EMF"sv, "image/emf"},
    {0, "ID3"sv, "audio/mpeg"},
    {0, "OggS"sv, "application/ogg"},
    {0, "fLaC"sv, "audio/flac"},
    {0, "\x1a\x45\xdf\xa3"sv, "video/webm"},
    {0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11"sv, "video/x-ms-asf"},
    {0, "FWS"sv, "application/x-shockwave-flash"},
    {0, "CWS"sv, "application/x-shockwave-flash"},
    {0, "wOFF"sv, "font/woff"},
    {0, "\xac\xed\0\x05"sv, "application/x-java-serialized"},
    {0, "-----BEGIN PGP"sv, "application/pgp-encrypted"},
    {0, "-----BEGIN "sv, "application/x-pem-file"},
    {0, "#!"sv, "text/x-shellscript"},
    {0, "<?xml"sv, "text/xml"},
    {0, "<?php"sv, "text/x-php"},
};

bool at(std::string_view s, size_t offset, std::string_view bytes) {
  return s.size() >= offset + bytes.size() && s.compare(offset, bytes.size(), bytes) == 0;
}

/// A zip archive may be something that is built on zip; the first members tell.
std::string_view zip_kind(std::string_view head) {
  const auto has = [head](std::string_view name) {
    return head.find(name) != std::string_view::npos;
  };
  if (at(head, 30, "mimetypeapplication/epub+zip")) return "application/epub+zip";
  if (at(head, 30, "mimetypeapplication/vnd.oasis.opendocument"))
    return "application/vnd.oasis.opendocument";
  if (has("[Content_Types].xml") || has("_rels/.rels")) {
    if (has("word/"))
      return "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    if (has("xl/")) return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    if (has("ppt/"))
      return "application/vnd.openxmlformats-officedocument.presentationml.presentation";
    return "application/vnd.openxmlformats-officedocument";
  }
  if (has("AndroidManifest.xml")) return "application/vnd.android.package-archive";
  if (has("META-INF/")) return "application/java-archive";
  return "application/zip";
}

/// RIFF and ISO media name their kind at offset 8.
std::string_view container_kind(std::string_view head) {
  if (at(head, 0, "RIFF")) {
    if (at(head, 8, "WAVE")) return "audio/x-wav";
    if (at(head, 8, "AVI ")) return "video/x-msvideo";
    if (at(head, 8, "WEBP")) return "image/webp";
    return "application/octet-stream";
  }
  if (at(head, 4, "ftyp")) {
    if (at(head, 8, "heic") || at(head, 8, "mif1")) return "image/heic";
    if (at(head, 8, "avif")) return "image/avif";
    if (at(head, 8, "qt")) return "video/quicktime";
    return "video/mp4";
  }
  return {};
}

std::string_view text_kind(std::string_view head) {
  size_t control = 0;
  for (const char c : head) {
    const auto b = static_cast<uint8_t>(c);
    if (b == 0) return "application/octet-stream";
    if (b < 0x20 && !ascii_space(c) && c != '\x1b' && c != '\b') ++control;
  }
  if (control * 50 > head.size()) return "application/octet-stream";
  // 8-bit bytes are text when they are UTF-8 (perhaps cut) or few.
  size_t high = 0;
  for (const char c : head)
    high += static_cast<uint8_t>(c) >= 0x80 ? 1 : 0;
  if (high > 0) {
    size_t end = head.size();
    for (int i = 0; i < 4 && end > 0 && (static_cast<uint8_t>(head[end - 1]) & 0x80) != 0; ++i)
      --end;
    if (!valid_utf8(head.substr(0, end)) && high * 3 > head.size())
      return "application/octet-stream";
  }
  const std::string_view t = trim(head);
  for (const std::string_view tag :
       {"<!doctype html"sv, "<html"sv, "<head"sv, "<body"sv, "<script"sv})
    if (starts_with_ignore_case(t, tag)) return "text/html";
  if (starts_with_ignore_case(t, "<svg")) return "image/svg+xml";
  if (starts_with_ignore_case(t, "begin:vcalendar")) return "text/calendar";
  if (starts_with_ignore_case(t, "begin:vcard")) return "text/vcard";
  if (starts_with_ignore_case(t, "[internetshortcut]")) return "application/x-url";
  return "text/plain";
}

}  // namespace

std::string_view content_type(std::string_view head) {
  head = head.substr(0, kMagicBytes);
  if (head.empty()) return {};
  if (at(head, 0, "PK\x03\x04")) return zip_kind(head);
  for (const Signature& s : kSignatures)
    if (at(head, s.offset, s.bytes)) return s.type;
  // Java classes and universal binaries share a number: a class has its version next (45 and up), a
  // binary the count of its architectures.
  if (at(head, 0, "\xca\xfe\xba\xbe"sv) && head.size() >= 8)
    return static_cast<uint8_t>(head[7]) >= 45 ? "application/java-vm"
                                               : "application/x-mach-binary";
  const std::string_view container = container_kind(head);
  if (!container.empty()) return container;
  // "BM" alone is two letters; the reserved fields of a bitmap are zero.
  if (at(head, 0, "BM") && at(head, 6, "\0\0\0\0"sv)) return "image/bmp";
  if (head.size() >= 4 && (at(head, 0, "\xff\xfe"sv) || at(head, 0, "\xfe\xff"sv)))
    return "text/plain";
  if (at(head, 0, "\xef\xbb\xbf"sv)) head.remove_prefix(3);
  return text_kind(head);
}

void ByteHistogram::add(std::string_view bytes) {
  for (const char c : bytes)
    ++counts_[static_cast<uint8_t>(c)];
  total_ += bytes.size();
}

double ByteHistogram::entropy() const {
  if (total_ == 0) return 0;
  double sum = 0;
  const auto total = static_cast<double>(total_);
  for (const uint64_t n : counts_) {
    if (n == 0) continue;
    const double p = static_cast<double>(n) / total;
    sum -= p * std::log2(p);
  }
  return sum;
}

}  // namespace postern::mime
