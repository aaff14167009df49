// All findings of a hunt in their order, in bounded memory.
//
// Findings come encoded, from any thread. When a buffer is full it is sorted and written to an
// unnamed temporary file (base/spill.h) as a run; reading merges the runs. A hunt with few findings
// never writes a file. When there is no room for one, what was kept so far stays, the rest is
// counted as lost, and the hunt says so. Tests: tests/unit/engine/finding_store_test.cc.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "base/spill.h"
#include "engine/finding_codec.h"

namespace postern::engine {

class FindingReader;

class FindingStore {
 public:
  /// Of encoded findings: one buffer that fills, one that is being written.
  static constexpr uint64_t kMemoryBytes = uint64_t{32} << 20;

  /// `sorted` off: findings come out in the order of their turns.
  explicit FindingStore(bool sorted = true, uint64_t memory_bytes = kMemoryBytes);

  FindingStore(const FindingStore&) = delete;
  FindingStore& operator=(const FindingStore&) = delete;

  FindingNames& names() { return names_; }

  /// Thread-safe; may take as long as writing a buffer does.
  void add(const FindingBatch& batch);

  /// No finding is added any more.
  void seal();

  // Sealed:

  /// Those that can be read.
  uint64_t size() const { return size_; }

  /// Findings that there was no room for, and why.
  uint64_t num_lost() const { return num_lost_; }

  const std::optional<Error>& write_error() const { return write_error_; }

  /// Set when a FindingReader met it; it gives no more then.
  const std::optional<Error>& read_error() const { return read_error_; }

  uint64_t bytes_in_file() const { return runs_.empty() ? 0 : runs_.back().end; }

  const std::map<const plan::RuleInfo*, uint64_t>& by_rule() const { return by_rule_; }

 private:
  friend class FindingReader;

  struct Buffer {
    Arena arena{size_t{1} << 20};
    std::vector<const char*> findings;  // keys and what follows, in the arena
    uint64_t bytes = 0;
  };

  /// A part of the file.
  struct Run {
    uint64_t begin = 0;
    uint64_t end = 0;
  };

  class Less;

  void sort(Buffer& buffer);
  Result<bool> write_run(const Buffer& full);

  const bool sorted_;
  const uint64_t buffer_bytes_;
  mutable FindingNames names_;
  std::mutex mutex_;
  std::condition_variable written_;
  bool is_writing_ = false;
  std::unique_ptr<Buffer> filling_;
  std::vector<std::unique_ptr<Buffer>> kept_;  // sorted, and never written
  Spill file_{0};
  std::vector<Run> runs_;
  uint64_t size_ = 0;
  uint64_t num_lost_ = 0;
  std::map<const plan::RuleInfo*, uint64_t> by_rule_;
  std::optional<Error> write_error_;
  mutable std::optional<Error> read_error_;
};

/// Encodes what one thread finds and hands it on in batches.
class FindingWriter {
 public:
  /// `count`: findings so far, may be null.
  FindingWriter(FindingStore& store, uint64_t unit, std::atomic<uint64_t>* count)
      : store_(store), codec_(store.names()), turn_{unit, 0}, count_(count) {}

  FindingWriter(const FindingWriter&) = delete;
  FindingWriter& operator=(const FindingWriter&) = delete;

  ~FindingWriter() { flush(); }

  void set_unit(uint64_t unit) { turn_.unit = unit; }

  void add(const Finding& f);
  void flush();

 private:
  FindingStore& store_;
  FindingCodec codec_;
  FindingTurn turn_;
  FindingBatch batch_;
  std::atomic<uint64_t>* count_;
};

/// Reads a sealed store from its beginning.
class FindingReader {
 public:
  explicit FindingReader(const FindingStore& store);
  ~FindingReader();

  /// Nothing behind the last one, or when the file cannot be read.
  std::optional<Finding> next();

 private:
  class Source;
  class BufferSource;
  class RunSource;

  bool is_behind(const Source* a, const Source* b);

  const FindingStore& store_;
  FindingCodec codec_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<Source*> heap_;  // by their first finding
};

/// What a hunt gives: a sealed store that can be read again and again, one finding at a time.
class FindingList {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Finding;
    using difference_type = std::ptrdiff_t;
    using pointer = const Finding*;
    using reference = const Finding&;

    Iterator() = default;  ///< the end

    explicit Iterator(const FindingStore& store)
        : reader_(std::make_shared<FindingReader>(store)), finding_(reader_->next()) {}

    const Finding& operator*() const { return *finding_; }

    const Finding* operator->() const { return &*finding_; }

    Iterator& operator++() {
      finding_ = reader_->next();
      return *this;
    }

    void operator++(int) { ++*this; }

    friend bool operator==(const Iterator& a, const Iterator& b) {
      return a.finding_.has_value() == b.finding_.has_value();
    }

   private:
    std::shared_ptr<FindingReader> reader_;
    std::optional<Finding> finding_;
  };

  FindingList() = default;

  explicit FindingList(std::shared_ptr<const FindingStore> sealed) : store_(std::move(sealed)) {}

  uint64_t size() const { return store_ ? store_->size() : 0; }

  bool empty() const { return size() == 0; }

  Iterator begin() const { return store_ ? Iterator(*store_) : Iterator(); }

  Iterator end() const { return {}; }

  /// All of them in memory: where there are few.
  std::vector<Finding> all() const { return {begin(), end()}; }

  void clear() { store_.reset(); }

  /// Null before the hunt.
  const FindingStore* store() const { return store_.get(); }

 private:
  std::shared_ptr<const FindingStore> store_;
};

}  // namespace postern::engine
