#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace mtesim::explore {

/// Threads that share out pieces of work, and sleep while there is none. The caller works along, so that a crew of one
/// has no thread at all.
class Crew {
 public:
  explicit Crew(unsigned size);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;
  [[nodiscard]] unsigned size() const { return static_cast<unsigned>(threads_.size()) + 1; }

  /// Calls piece(0) to piece(count - 1), each once, several at a time.
  /// Errors:  what a piece throws is thrown on, once all that had begun are done.
  void share(std::uint32_t count, const std::function<void(std::uint32_t)>& piece);

 private:
  void serve();
  void work();

  std::mutex mutex_;
  std::condition_variable begin_;
  std::condition_variable end_;
  std::uint64_t round_ = 0;
  unsigned busy_ = 0;  // threads that have not seen the end of this round
  bool over_ = false;
  std::exception_ptr thrown_;
  const std::function<void(std::uint32_t)>* piece_ = nullptr;
  std::uint32_t count_ = 0;
  std::atomic<std::uint32_t> next_{0};
  std::vector<std::thread> threads_;
};

}  // namespace mtesim::explore
