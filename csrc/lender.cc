#include "lender.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <cstdlib>
#include <map>
#include <mutex>
#include <new>

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
    bytes += bytes / 4;
    // A large block asks for large pages: one is there at the first touch where 512 small ones would each come at a
    // touch of their own, and the processor finds it with one entry of its table.
    const std::size_t page = bytes >= kLargePage ? kLargePage : kPage;
    bytes = (bytes + page) / page * page;
    void* data = std::aligned_alloc(page, bytes);
    if (!data) throw std::bad_alloc();
#if defined(__linux__)
    if (page == kLargePage) madvise(data, bytes, MADV_HUGEPAGE);
#endif
    return {static_cast<char*>(data), bytes};
  }

  void give_back(Block block) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (kept_ + block.bytes <= kMostKept) {
        free_.emplace(block.bytes, block.data);
        kept_ += block.bytes;
        return;
      }
    }
    std::free(block.data);
  }

 private:
  static constexpr std::size_t kPage = 4096;
  static constexpr std::size_t kLargePage = std::size_t{2} << 20;
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
