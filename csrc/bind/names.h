// Names instead of numbers at Python's door: an enumeration's value by its name, and lists of names.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "recurrence/enums.h"

namespace latchwork {

// "first, second" as its parts.
inline std::vector<std::string> split_names(std::string_view names) {
  std::vector<std::string> parts;
  while (!names.empty()) {
    const std::size_t end = names.find(", ");
    parts.emplace_back(names.substr(0, end));
    names = end == std::string_view::npos ? std::string_view() : names.substr(end + 2);
  }
  return parts;
}

// The value of this name; `what` says in the error what it would have been: "activation".
template <class Enum>
Enum named(std::string_view name, const char* what) {
  int32_t number = 0;
  std::string known;
  for (const std::string& each : split_names(names_of(Enum{}))) {
    if (each == name) return static_cast<Enum>(number);
    known += (number++ ? ", " : "") + each;
  }
  throw std::invalid_argument("unknown " + std::string(what) + " '" + std::string(name) + "': expected one of " +
                              known);
}

}  // namespace latchwork
