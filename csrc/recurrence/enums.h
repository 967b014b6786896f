// Enumerations whose values know their names, so that nobody outside needs a number.
#pragma once

#include <cstdint>

// Defines `enum class Name : int32_t` with these values, and names_of(Name), which gives them as "first, second, ...".
#define LATCHWORK_ENUM(Name, ...)            \
  enum class Name : int32_t { __VA_ARGS__ }; \
  constexpr const char* names_of(Name) { return #__VA_ARGS__; }

namespace latchwork {

// How many names a list "first, second" has.
constexpr int count_names(const char* names) {
  int count = *names ? 1 : 0;
  for (; *names; ++names) count += *names == ',';
  return count;
}

}  // namespace latchwork
