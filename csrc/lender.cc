#include "lender.h"

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

#include "pages.h"

namespace latchwork {
namespace {

struct Block {
  char* data;
  std::size_t bytes;
};

// What was given back, up to a limit.
class Lender {
 public:
  Block borrow(std::size_t bytes) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      const auto found = std::find_if(free_.begin(), free_.end(), [&](const Block& b) { return b.bytes >= bytes; });
      if (found != free_.end()) {
        const Block block = *found;
        free_.erase(found);
        return block;
      }
    }
    std::size_t alignment = kPage;
    if (!kExactLoans) {
      bytes += bytes / 4;
      if (bytes >= kLargePage) alignment = kLargePage;
      bytes = (bytes + alignment) / alignment * alignment;
    }
    void* data = nullptr;
    if (posix_memalign(&data, alignment, std::max<std::size_t>(bytes, 1)) != 0) throw std::bad_alloc();
    prefer_large_pages(data, bytes);
    return {static_cast<char*>(data), bytes};
  }

  void give_back(Block block) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (!kExactLoans && block.bytes <= kLargestKept) {
        free_.push_back(block);
        block.data = nullptr;
        if (free_.size() > kKept) {
          block = free_.front();
          free_.erase(free_.begin());
        }
      }
    }
    std::free(block.data);
  }

 private:
  static constexpr std::size_t kPage = 4096;
  static constexpr std::size_t kLargePage = std::size_t{2} << 20;
  static constexpr std::size_t kKept = 8;                              // blocks
  static constexpr std::size_t kLargestKept = std::size_t{256} << 20;  // bytes

  std::mutex mutex_;
  std::vector<Block> free_;
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
