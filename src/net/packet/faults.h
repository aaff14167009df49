// Where the network side reports bad data: the anomalies of one evidence file, bound to its path.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "data/batch.h"

namespace postern::net::packet {

/// Counts an anomaly by name with the file offset of its packet. Thread-compatible.
class Faults {
 public:
  Faults(data::Anomalies& anomalies, std::string path)
      : anomalies_(anomalies), path_(std::move(path)) {}

  void add(std::string_view name, uint64_t offset, std::string_view detail = "") {
    anomalies_.add(name, path_, offset, detail);
  }

  const std::string& path() const { return path_; }

 private:
  data::Anomalies& anomalies_;
  std::string path_;
};

}  // namespace postern::net::packet
