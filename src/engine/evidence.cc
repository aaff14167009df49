#include "engine/evidence.h"

#include <algorithm>
#include <set>

#include "adapt/compress.h"
#include "base/file.h"

namespace postern::engine {
namespace {

constexpr int kMaxArchiveDepth = 3;
constexpr size_t kHeadBytes = size_t{64} * 1024;

void open_bytes(const std::string& path,
                const std::shared_ptr<const FileBytes>& bytes,
                int depth,
                data::Anomalies& anomalies,
                const std::function<void(const input::Input&, const input::Format*)>& take) {
  const std::string_view view = bytes->view();
  const std::string_view head = view.substr(0, kHeadBytes);
  if (adapt::archive_kind(head).empty()) {
    input::Input in;
    in.path = path;
    in.bytes = view;
    in.owner = bytes;
    return take(in, input::detect_format(head));
  }
  if (depth >= kMaxArchiveDepth) return anomalies.add("archive-too-deep", path, 0);
  const auto members =
      adapt::for_each_member(view, {}, [&](const std::string& name, std::string member) {
        const std::string inner = name.empty() ? path : path + "!" + name;
        if (inner.find("__MACOSX/") != std::string::npos) return true;
        open_bytes(inner, FileBytes::from_string(std::move(member)), depth + 1, anomalies, take);
        return true;
      });
  if (!members)
    anomalies.add(members.error().code == Code::kLimit ? "archive-limit" : "archive-corrupt", path,
                  0, members.error().message);
}

}  // namespace

std::vector<std::string> expand_evidence(const std::vector<std::string>& paths,
                                         std::vector<std::string>& errors) {
  std::vector<std::string> out;
  std::set<std::string> seen;
  for (const std::string& p : paths) {
    Result<std::vector<std::string>> files = list_files(p);
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
                   data::Anomalies& anomalies,
                   std::vector<std::string>& errors,
                   const std::function<void(const input::Input&, const input::Format*)>& take) {
  Result<std::shared_ptr<const FileBytes>> bytes = FileBytes::open(path);
  if (!bytes) {
    errors.push_back(bytes.error().message);
    return;
  }
  open_bytes(path, *bytes, 0, anomalies, take);
}

}  // namespace postern::engine
