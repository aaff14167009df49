#include "engine/finding_store.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace postern::engine {
namespace {

/// Memory in which runs are merged, all together, and what each has of it.
constexpr size_t kMergeBytes = size_t{16} << 20;
constexpr size_t kMinReadBytes = size_t{4} << 10;
constexpr size_t kMaxReadBytes = size_t{256} << 10;

/// Findings that a thread encodes before it hands them on: it asks for the lock now and then only.
constexpr size_t kBatchBytes = size_t{64} << 10;

/// What a finding takes in a buffer beside its bytes.
constexpr uint64_t kIndexBytes = 2 * sizeof(const char*);

uint64_t size_at(const char* at) {
  return sizeof(FindingKey) + FindingCodec::key(at).size;
}

}  // namespace

/// The total order, without taking findings apart where their keys tell.
class FindingStore::Less {
 public:
  Less(bool sorted, FindingCodec& codec) : sorted_(sorted), codec_(codec) {}

  bool operator()(const char* at_a, const char* at_b) {
    const FindingKey a = FindingCodec::key(at_a);
    const FindingKey b = FindingCodec::key(at_b);
    if (sorted_) {
      if (a.time != b.time) return a.time < b.time;
      if (const int c = compare_keys(a, b); c != 0) return c < 0;
      if (const int c = codec_.compare_rest(at_a, at_b); c != 0) return c < 0;
    }
    return a.turn.unit != b.turn.unit ? a.turn.unit < b.turn.unit : a.turn.number < b.turn.number;
  }

 private:
  /// As before() does it, as far as keys go: 0 where the rest has to tell.
  int compare_keys(const FindingKey& a, const FindingKey& b) {
    if (a.rule != b.rule)
      for (const auto& text : {&plan::RuleInfo::title, &plan::RuleInfo::id, &plan::RuleInfo::path})
        if (const int c = (a.rule->*text).compare(b.rule->*text); c != 0) return c;
    if (a.num_evidence == 0 || b.num_evidence == 0) return 0;
    if (a.path != b.path)
      if (const int c = codec_.text(a.path).compare(codec_.text(b.path)); c != 0) return c;
    if (a.offset != b.offset) return a.offset < b.offset ? -1 : 1;
    if (a.record != b.record) return a.record < b.record ? -1 : 1;
    return 0;
  }

  bool sorted_;
  FindingCodec& codec_;
};

FindingStore::FindingStore(bool sorted, uint64_t memory_bytes)
    : sorted_(sorted),
      buffer_bytes_(std::max<uint64_t>(memory_bytes / 2, 4096)),
      filling_(std::make_unique<Buffer>()) {}

void FindingStore::add(const FindingBatch& batch) {
  std::unique_lock lock(mutex_);
  if (write_error_) {
    num_lost_ += batch.rules.size();
    return;
  }
  const std::string_view copy = filling_->arena.copy(batch.bytes);
  size_t at = 0;
  for (const plan::RuleInfo* rule : batch.rules) {
    filling_->findings.push_back(copy.data() + at);
    at += size_at(copy.data() + at);
    ++by_rule_[rule];
  }
  filling_->bytes += copy.size() + batch.rules.size() * kIndexBytes;
  size_ += batch.rules.size();
  if (filling_->bytes < buffer_bytes_) return;
  // One buffer is written at a time, while the other fills.
  written_.wait(lock, [&] { return !is_writing_; });
  if (filling_->bytes < buffer_bytes_ || write_error_) return;  // another thread was first
  std::unique_ptr<Buffer> full = std::exchange(filling_, std::make_unique<Buffer>());
  is_writing_ = true;
  lock.unlock();
  sort(*full);
  Result<bool> written = write_run(*full);
  lock.lock();
  is_writing_ = false;
  if (!written) {
    write_error_ = written.take_error();
    kept_.push_back(std::move(full));
  }
  written_.notify_all();
}

void FindingStore::sort(Buffer& buffer) {
  FindingCodec codec(names_);
  Less less(sorted_, codec);
  std::sort(buffer.findings.begin(), buffer.findings.end(),
            [&](const char* a, const char* b) { return less(a, b); });
}

Result<bool> FindingStore::write_run(const Buffer& full) {
  const uint64_t begin = file_.size();
  for (const char* at : full.findings) {
    POSTERN_TRY([[maybe_unused]] const bool added, file_.append({at, size_at(at)}));
  }
  POSTERN_TRY([[maybe_unused]] const bool flushed, file_.flush());
  runs_.push_back({begin, file_.size()});
  return true;
}

void FindingStore::seal() {
  sort(*filling_);
  kept_.push_back(std::move(filling_));
}

void FindingWriter::add(const Finding& f) {
  codec_.encode(f, turn_, batch_);
  ++turn_.number;
  if (batch_.bytes.size() >= kBatchBytes) flush();
}

void FindingWriter::flush() {
  if (batch_.empty()) return;
  store_.add(batch_);
  if (count_) *count_ += batch_.rules.size();
  batch_.bytes.clear();
  batch_.rules.clear();
}

/// A sorted run of findings: the first one, and on to the next.
class FindingReader::Source {
 public:
  virtual ~Source() = default;

  /// Key and what follows of the first one left; null behind the last one.
  const char* first() const { return first_; }

  virtual Result<bool> advance() = 0;

 protected:
  const char* first_ = nullptr;
};

class FindingReader::BufferSource final : public Source {
 public:
  explicit BufferSource(const FindingStore::Buffer& buffer) : buffer_(buffer) {}

  Result<bool> advance() override {
    first_ = at_ < buffer_.findings.size() ? buffer_.findings[at_++] : nullptr;
    return true;
  }

 private:
  const FindingStore::Buffer& buffer_;
  size_t at_ = 0;
};

class FindingReader::RunSource final : public Source {
 public:
  RunSource(const Spill& file, FindingStore::Run run, size_t read_bytes)
      : file_(file), left_(run), read_bytes_(read_bytes) {}

  Result<bool> advance() override {
    if (first_) at_ += size_at(first_);
    first_ = nullptr;
    if (at_ == bytes_.size() && left_.begin == left_.end) return true;
    POSTERN_TRY([[maybe_unused]] const bool head, fill(sizeof(FindingKey)));
    POSTERN_TRY([[maybe_unused]] const bool whole, fill(size_at(bytes_.data() + at_)));
    first_ = bytes_.data() + at_;
    return true;
  }

 private:
  /// Reads on until `n` bytes are there.
  Result<bool> fill(size_t n) {
    if (bytes_.size() - at_ >= n) return true;
    bytes_.erase(0, at_);
    at_ = 0;
    const size_t had = bytes_.size();
    const auto more = static_cast<size_t>(
        std::min<uint64_t>(left_.end - left_.begin, std::max(n - had, read_bytes_)));
    bytes_.resize(had + more);
    POSTERN_TRY([[maybe_unused]] const bool read,
                file_.read(left_.begin, bytes_.data() + had, more));
    left_.begin += more;
    return true;
  }

  const Spill& file_;
  FindingStore::Run left_;  // of the file
  size_t read_bytes_;
  std::string bytes_;
  size_t at_ = 0;  // of the first one, in bytes_
};

FindingReader::FindingReader(const FindingStore& store) : store_(store), codec_(store.names_) {
  const size_t runs = std::max<size_t>(store.runs_.size(), 1);
  for (const FindingStore::Run& r : store.runs_)
    sources_.push_back(std::make_unique<RunSource>(
        store.file_, r, std::clamp(kMergeBytes / runs, kMinReadBytes, kMaxReadBytes)));
  for (const auto& buffer : store.kept_)
    sources_.push_back(std::make_unique<BufferSource>(*buffer));
  for (const auto& source : sources_) {
    if (Result<bool> read = source->advance(); !read) store_.read_error_ = read.take_error();
    if (source->first()) heap_.push_back(source.get());
  }
  std::make_heap(heap_.begin(), heap_.end(),
                 [this](const Source* a, const Source* b) { return is_behind(a, b); });
}

FindingReader::~FindingReader() = default;

bool FindingReader::is_behind(const Source* a, const Source* b) {
  return FindingStore::Less(store_.sorted_, codec_)(b->first(), a->first());
}

std::optional<Finding> FindingReader::next() {
  if (heap_.empty() || store_.read_error_) return std::nullopt;
  const auto behind = [this](const Source* a, const Source* b) { return is_behind(a, b); };
  std::pop_heap(heap_.begin(), heap_.end(), behind);
  Source* source = heap_.back();
  heap_.pop_back();
  Finding f = codec_.decode(source->first());
  if (Result<bool> read = source->advance(); !read) store_.read_error_ = read.take_error();
  if (source->first()) {
    heap_.push_back(source);
    std::push_heap(heap_.begin(), heap_.end(), behind);
  }
  return f;
}

}  // namespace postern::engine
