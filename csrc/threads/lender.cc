#include "threads/lender.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>

#include "threads/pages.h"

namespace latchwork {
namespace {

struct Block {
  char* data;
  std::size_t bytes;
};

// What was given back, up to a limit. A network in training has dozens of blocks, and the next of its shape asks for the
// same: fresh ones would each be cleared by the system, page by page.
class Lender {
 public:
  Block borrow(std::size_t bytes) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      const auto found = free_.lower_bound(bytes);  // the smallest that is large enough
      if (found != free_.end() && found->first / kMostWaste <= bytes) {
        const Block block{found->second, found->first};
        free_.erase(found);
        kept_ -= block.bytes;
        return block;
      }
    }
    std::size_t alignment = kPage;
    if (!kExactLoans) {
      bytes += bytes / 4;
      if (bytes >= kWorthLargePages) alignment = kLargePage;
      bytes = (bytes + alignment) / alignment * alignment;
    }
    void* data = nullptr;
    if (posix_memalign(&data, alignment, std::max<std::size_t>(bytes, 1)) != 0) throw std::bad_alloc();
    prefer_large_pages(data, bytes);
    return {static_cast<char*>(data), bytes};
  }

  void give_back(Block block) {
    if (kExactLoans || block.bytes > kMostKept) {
      std::free(block.data);
      return;
    }
    std::lock_guard<std::mutex> lock(mutex_);
    if (kept_ + block.bytes > kMostKept) forget();  // what is kept is of sizes that nobody asks for any more
    free_.emplace(block.bytes, block.data);
    kept_ += block.bytes;
  }

 private:
  void forget() {
    for (const auto& [bytes, data] : free_) std::free(data);
    free_.clear();
    kept_ = 0;
  }

  static constexpr std::size_t kPage = 4096;
  static constexpr std::size_t kMostKept = std::size_t{256} << 20;  // bytes, of all blocks together
  static constexpr std::size_t kMostWaste = 4;                      // times what was asked for

  std::mutex mutex_;
  std::multimap<std::size_t, char*> free_;  // by their bytes
  std::size_t kept_ = 0;
};

Lender& lender() {
  static Lender* const kept = new Lender;  // never destroyed: threads may end after static objects do
  return *kept;
}

}  // namespace

Loan::Loan(std::size_t bytes) {
  const Block block = lender().borrow(bytes);
  data_ = block.data;
  bytes_ = block.bytes;
}

Loan::~Loan() {
  if (data_) lender().give_back({data_, bytes_});
}

}  // namespace latchwork
