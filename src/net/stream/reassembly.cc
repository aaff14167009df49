#include "net/stream/reassembly.h"

#include <algorithm>
#include <cstring>

namespace postern::net::stream {

void Reassembler::add(uint64_t begin,
                      Bytes bytes,
                      std::shared_ptr<const std::string> owner,
                      const Moment& at,
                      ReassemblySink& sink) {
  if (bytes.empty()) return;
  if (begin == next_ && waiting_.empty()) return deliver(bytes, std::move(owner), at, sink);
  if (begin < next_) {
    compare_with_past(begin, bytes, at, sink);
    const uint64_t old = next_ - begin;
    if (old >= bytes.size()) return;
    bytes.remove_prefix(old);
    begin = next_;
  }
  wait(begin, bytes, owner, at, sink);
  drain(sink);
}

void Reassembler::deliver(Bytes bytes,
                          std::shared_ptr<const std::string> owner,
                          const Moment& at,
                          ReassemblySink& sink) {
  if (!past_) past_ = std::make_unique<std::array<Past, 16>>();
  (*past_)[past_at_] = {next_, bytes, std::move(owner)};
  past_at_ = (past_at_ + 1) % past_->size();
  next_ += bytes.size();
  sink.delivered(bytes, at);
}

void Reassembler::drain(ReassemblySink& sink) {
  while (!waiting_.empty() && waiting_.begin()->first == next_) {
    Segment s = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    waiting_bytes_ -= s.bytes.size();
    deliver(s.bytes, std::move(s.owner), s.at, sink);
  }
}

/// Puts the parts that are not there yet into the map; compares the others.
void Reassembler::wait(uint64_t begin,
                       Bytes bytes,
                       const std::shared_ptr<const std::string>& owner,
                       const Moment& at,
                       ReassemblySink& sink) {
  const auto put = [&](uint64_t where, Bytes part) {
    waiting_bytes_ += part.size();
    waiting_.insert_or_assign(where, Segment{part, at, owner});
  };
  auto it = waiting_.upper_bound(begin);
  if (it != waiting_.begin()) {
    const auto before = std::prev(it);
    if (before->first + before->second.bytes.size() > begin) it = before;
  }
  while (!bytes.empty() && it != waiting_.end() && it->first < begin + bytes.size()) {
    if (begin < it->first) {
      const uint64_t free = it->first - begin;
      put(begin, bytes.substr(0, free));
      bytes.remove_prefix(free);
      begin = it->first;
    }
    const uint64_t into = begin - it->first;
    const Bytes there = it->second.bytes.substr(into);
    const size_t both = std::min(there.size(), bytes.size());
    if (std::memcmp(there.data(), bytes.data(), both) != 0)
      sink.conflicting(there.substr(0, both), bytes.substr(0, both), at);
    bytes.remove_prefix(both);
    begin += both;
    ++it;
  }
  if (!bytes.empty()) put(begin, bytes);
}

void Reassembler::skip_to(uint64_t position, const Moment& at, ReassemblySink& sink) {
  while (next_ < position) {
    const uint64_t until =
        waiting_.empty() ? position : std::min(position, waiting_.begin()->first);
    const uint64_t lost = until - next_;
    next_ = until;
    if (lost > 0) sink.missing(lost, at);
    drain(sink);
  }
}

void Reassembler::relieve(uint64_t max_waiting, const Moment& at, ReassemblySink& sink) {
  while (!waiting_.empty() && (waiting_bytes_ > max_waiting ||
                               waiting_.size() > kMaxWaitingSegments || max_waiting == 0))
    skip_to(waiting_.begin()->first, at, sink);
}

void Reassembler::compare_with_past(uint64_t begin,
                                    Bytes bytes,
                                    const Moment& at,
                                    ReassemblySink& sink) const {
  const uint64_t end = begin + bytes.size();
  if (!past_) return;
  for (const Past& p : *past_) {
    const uint64_t from = std::max(begin, p.begin);
    const uint64_t to = std::min(end, p.begin + p.bytes.size());
    if (from >= to) continue;
    const Bytes first = p.bytes.substr(from - p.begin, to - from);
    const Bytes second = bytes.substr(from - begin, to - from);
    if (first != second) sink.conflicting(first, second, at);
  }
}

}  // namespace postern::net::stream
