// Asking the system for large pages before memory is written for the first time.
#pragma once

#include <cstddef>

namespace latchwork {

inline constexpr std::size_t kLargePage = std::size_t{2} << 20;  // bytes
inline constexpr std::size_t kWorthLargePages = 2 * kLargePage;  // below it the call costs what it saves

// Fresh memory of 4 MB and more comes 2 MB at a time where the system allows it, instead of 4 kB: the kernel clears and
// maps as much, but is entered a five hundredth as often. A hint: what is refused stays as it was.
void prefer_large_pages(void* data, std::size_t bytes);

}  // namespace latchwork
