// Memory that calls borrow, so that none pays for fresh pages.
#pragma once

#include <cstddef>

namespace latchwork {

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
