#include "engine/evidence.h"

#include <algorithm>
#include <set>

#include <sys/stat.h>
#include <unistd.h>

#include "adapt/compress.h"
#include "base/file.h"
#include "base/spill.h"
#include "input/carving.h"

namespace postern::engine {
namespace {

constexpr int kMaxArchiveDepth = 3;
constexpr size_t kHeadBytes = size_t{64} * 1024;

/// Opens one file of the user's, and what is packed in it.
class Opener {
 public:
  Opener(const OpenOptions& options,
         data::Anomalies& anomalies,
         const std::function<void(const input::Input&, const input::Format*)>& take)
      : options_(options), anomalies_(anomalies), take_(take) {}

  void open(const std::string& path, const std::shared_ptr<const FileBytes>& bytes, int depth) {
    const std::string_view view = bytes->view();
    const std::string_view head = view.substr(0, kHeadBytes);
    if (adapt::archive_kind(head).empty()) {
      input::Input in;
      in.path = path;
      in.bytes = view;
      in.owner = bytes;
      in.file = bytes.get();
      in.is_unpacked = depth > 0;
      const input::Format* format = input::detect_format(head);
      return take_(in, options_.carve ? input::with_carving(format) : format);
    }
    if (depth >= kMaxArchiveDepth)
      return anomalies_.add("archive-too-deep", path, 0, "archives in archives in archives");
    unpack(path, view, depth);
  }

 private:
  void unpack(const std::string& path, std::string_view view, int depth) {
    uint64_t consumed = 0;
    const auto member_path = [&](const std::string& name) {
      return name.empty() ? path : path + "!" + name;
    };
    adapt::MemberTaker taker;
    taker.wants = [&](const std::string& name) {
      return name.find("__MACOSX/") == std::string::npos;
    };
    taker.take = [&](const std::string& name, const std::shared_ptr<const FileBytes>& bytes) {
      spend(bytes->view().size());
      open(member_path(name), bytes, depth + 1);
      return !stopped();
    };
    taker.progress = [&](uint64_t now) {
      if (depth == 0 && options_.bytes_done && now > consumed)
        options_.bytes_done->fetch_add(now - consumed, std::memory_order_relaxed);
      consumed = std::max(consumed, now);
      return !stopped();
    };
    adapt::ArchiveLimits limits;
    limits.max_bytes = bytes_left_;
    limits.max_members = members_left_;
    const auto members = adapt::unpack(view, limits, taker);
    if (depth == 0 && options_.bytes_done && view.size() > consumed && !stopped())
      options_.bytes_done->fetch_add(view.size() - consumed, std::memory_order_relaxed);
    if (members || stopped()) return;
    const Error& e = members.error();
    anomalies_.add(e.code == Code::kLimit         ? "archive-limit"
                   : e.code == Code::kIo          ? "archive-no-room"
                   : e.code == Code::kUnsupported ? "archive-encrypted"
                                                  : "archive-corrupt",
                   path, consumed, e.message);
  }

  bool stopped() const {
    return options_.cancelled && options_.cancelled->load(std::memory_order_relaxed);
  }

  void spend(uint64_t bytes) {
    bytes_left_ -= std::min(bytes_left_, bytes);
    members_left_ -= std::min<uint32_t>(members_left_, 1);
  }

  const OpenOptions& options_;
  data::Anomalies& anomalies_;
  const std::function<void(const input::Input&, const input::Format*)>& take_;
  uint64_t bytes_left_ = adapt::ArchiveLimits().max_bytes;
  uint32_t members_left_ = adapt::ArchiveLimits().max_members;
};

}  // namespace

std::vector<std::string> expand_evidence(const std::vector<std::string>& paths,
                                         std::vector<std::string>& errors) {
  std::vector<std::string> out;
  std::set<std::string> seen;
  for (const std::string& p : paths) {
    Result<std::vector<std::string>> files = list_files(p, &errors);
    if (!files) {
      errors.push_back(files.error().message);
      continue;
    }
    for (std::string& f : *files)
      if (seen.insert(f).second) out.push_back(std::move(f));
  }
  return out;
}

void open_evidence(const std::string& path,
                   const OpenOptions& options,
                   data::Anomalies& anomalies,
                   std::vector<std::string>& errors,
                   const std::function<void(const input::Input&, const input::Format*)>& take) {
  Result<std::shared_ptr<const FileBytes>> bytes =
      path == "-" ? read_stream(STDIN_FILENO, "standard input", options.cancelled)
                  : FileBytes::open(path);
  if (!bytes) {
    errors.push_back(bytes.error().message);
    return;
  }
  Opener(options, anomalies, take).open(path, *bytes, 0);
}

std::shared_ptr<CutFile> cut_evidence(const std::string& path, uint64_t slice_bytes) {
  if (path == "-") return nullptr;  // read to its end: not while others wait

  struct stat info {};

  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode) ||
      static_cast<uint64_t>(info.st_size) < 2 * slice_bytes)
    return nullptr;
  Result<std::shared_ptr<const FileBytes>> bytes = FileBytes::open(path);
  if (!bytes) return nullptr;
  auto out = std::make_shared<CutFile>();
  out->input.path = path;
  out->input.bytes = (*bytes)->view();
  out->input.owner = *bytes;
  out->input.file = bytes->get();
  const std::string_view head = out->input.bytes.substr(0, kHeadBytes);
  if (!adapt::archive_kind(head).empty()) return nullptr;
  out->format = input::detect_format(head);
  if (!out->format || !out->format->cut) return nullptr;
  out->cutter = out->format->cut(out->input, slice_bytes);
  return out->cutter ? out : nullptr;
}

}  // namespace postern::engine
