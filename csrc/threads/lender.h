// Memory that calls borrow, so that none pays for fresh pages.
#pragma once

#include <cstddef>

namespace latchwork {

// Under AddressSanitizer a block ends where it was asked to end and is new to each borrower, so that whatever reads or
// writes beyond it is found.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kExactLoans = true;
#else
inline constexpr bool kExactLoans = false;
#endif

// A block of at least so many bytes, page-aligned and not cleared; it is kept for others when it is given back.
class Loan {
 public:
  explicit Loan(std::size_t bytes);
  Loan(Loan&& other) noexcept : data_(other.data_), bytes_(other.bytes_) { other.data_ = nullptr; }
  ~Loan();
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;
  char* data() const { return data_; }

 private:
  char* data_;
  std::size_t bytes_;
};

}  // namespace latchwork
