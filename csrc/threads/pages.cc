#include "threads/pages.h"

#include <cstdint>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace latchwork {

void prefer_large_pages(void* data, std::size_t bytes) {
  if (bytes < kWorthLargePages) return;
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  // What madvise wants its start to be a multiple of; where pages are larger it refuses.
  constexpr std::uintptr_t kPage = 4096;
  const auto begin = (reinterpret_cast<std::uintptr_t>(data) + kPage - 1) / kPage * kPage;
  const auto end = reinterpret_cast<std::uintptr_t>(data) + bytes;
  madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#else
  (void)data;
#endif
}

}  // namespace latchwork
