// XLA's door to the kernels: two FFI handlers. Any operand may carry leading axes, of independent networks; an axis of
// length one is shared by all of them.
#include "bind/xla.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "recurrence/kernels.h"
#include "xla/ffi/api/ffi.h"

namespace latchwork {
namespace {

namespace ffi = xla::ffi;

// The operands in the order that both handlers take them; a bit of `given` tells which are there.
constexpr int kOperands = 12;
constexpr int kOperandRank[kOperands] = {3, 2, 2, 1, 1, 1, 1, 1, 2, 2, 2, 1};
constexpr int kLengths = 11;

struct Buffer {
  const char* data = nullptr;
  std::vector<int64_t> leading;
  std::vector<int64_t> shape;
};

ffi::Error read(const ffi::AnyBuffer& from, int rank, bool integers, Buffer& to) {
  const auto dimensions = from.dimensions();
  if (from.element_type() != (integers ? ffi::DataType::S32 : ffi::DataType::F32) ||
      static_cast<int>(dimensions.size()) < rank) {
    return ffi::Error::InvalidArgument("latchwork: an operand has the wrong type or rank");
  }
  to.data = static_cast<const char*>(from.untyped_data());
  const std::size_t leading = dimensions.size() - static_cast<std::size_t>(rank);
  to.leading.assign(dimensions.begin(), dimensions.begin() + leading);
  to.shape.assign(dimensions.begin() + leading, dimensions.end());
  return ffi::Error::Success();
}

ffi::Error read(const ffi::RemainingArgs& args, std::size_t index, int rank, bool integers, Buffer& to) {
  const auto buffer = args.get<ffi::AnyBuffer>(index);
  return buffer.has_value() ? read(*buffer, rank, integers, to)
                            : ffi::Error::InvalidArgument("latchwork: an operand is missing");
}

ffi::Error read(const ffi::RemainingRets& rets, std::size_t index, int rank, Buffer& to) {
  auto buffer = rets.get<ffi::AnyBuffer>(index);
  return buffer.has_value() ? read(**buffer, rank, false, to)
                            : ffi::Error::InvalidArgument("latchwork: a result is missing");
}

// The networks' axes: where the operands' leading axes agree or are one.
struct Members {
  std::vector<int64_t> axes;
  int64_t count = 1;

  ffi::Error include(const Buffer& buffer) {
    const std::size_t rank = std::max(axes.size(), buffer.leading.size());
    axes.insert(axes.begin(), rank - axes.size(), 1);
    for (std::size_t i = 0; i < buffer.leading.size(); ++i) {
      int64_t& axis = axes[rank - buffer.leading.size() + i];
      if (axis != 1 && buffer.leading[i] != 1 && axis != buffer.leading[i])
        return ffi::Error::InvalidArgument("latchwork: leading axes do not agree");
      axis = std::max(axis, buffer.leading[i]);
    }
    count = 1;
    for (const int64_t axis : axes) count *= axis;
    return ffi::Error::Success();
  }

  // Where a member's part of the buffer starts.
  template <class T>
  T* part(const Buffer& buffer, int64_t member) const {
    if (!buffer.data) return nullptr;
    int64_t size = 1;
    for (const int64_t axis : buffer.shape) size *= axis;
    int64_t offset = 0, stride = size;
    for (std::size_t i = axes.size(), j = buffer.leading.size(); j-- > 0;) {
      const int64_t index = member % axes[--i];
      member /= axes[i];
      if (buffer.leading[j] != 1) offset += index * stride;
      stride *= buffer.leading[j];
    }
    return reinterpret_cast<T*>(const_cast<char*>(buffer.data)) + offset;
  }
};

#define LATCHWORK_RETURN_IF_ERROR(call) \
  if (ffi::Error error = (call); error.failure()) return error

ffi::Error check_kind(int32_t kind) {
  return kind >= 0 && kind < kKinds ? ffi::Error::Success()
                                    : ffi::Error::InvalidArgument("latchwork: there is no such kind of cell");
}

ffi::Error read_operands(const ffi::RemainingArgs& args, int32_t given, Buffer* operands, std::size_t& next,
                         Members& members) {
  for (int i = 0; i < kOperands; ++i) {
    if (!(given >> i & 1)) continue;
    LATCHWORK_RETURN_IF_ERROR(read(args, next++, kOperandRank[i], i == kLengths, operands[i]));
    LATCHWORK_RETURN_IF_ERROR(members.include(operands[i]));
  }
  return ffi::Error::Success();
}

Operands operands_of(const Members& members, const Buffer* operands, int64_t member) {
  const auto at = [&](int i) { return members.part<const float>(operands[i], member); };
  return {at(0),  at(1),
          at(2),  at(3),
          at(4),  {at(5), at(6), at(7)},
          at(8),  at(9),
          at(10), members.part<const int32_t>(operands[kLengths], member)};
}

Shape shape_of(const Buffer* operands) {
  return {operands[0].shape[0], operands[0].shape[1], operands[0].shape[2], operands[2].shape[0]};
}

ffi::Error forward_handler(ffi::RemainingArgs args, ffi::RemainingRets rets, int32_t kind, int32_t given, bool reverse,
                           bool saves) {
  LATCHWORK_RETURN_IF_ERROR(check_kind(kind));
  Buffer operands[kOperands], results[4];
  Members members;
  std::size_t next = 0;
  LATCHWORK_RETURN_IF_ERROR(read_operands(args, given, operands, next, members));
  const KindShape& k = kind_shape(static_cast<Kind>(kind));
  const bool present[4] = {true, true, k.has_cell, saves};
  const int rank[4] = {3, 2, 2, 1};
  next = 0;
  for (int i = 0; i < 4; ++i)
    if (present[i]) LATCHWORK_RETURN_IF_ERROR(read(rets, next++, rank[i], results[i]));
  LATCHWORK_RETURN_IF_ERROR(members.include(results[0]));
  std::vector<Operands> each;
  std::vector<Results> into;
  for (int64_t member = 0; member < members.count; ++member) {
    each.push_back(operands_of(members, operands, member));
    const auto at = [&](int i) { return members.part<float>(results[i], member); };
    into.push_back({at(0), at(1), at(2), at(3)});
  }
  forward(static_cast<Kind>(kind), shape_of(operands), reverse, each.data(), into.data(), members.count,
          available_threads());
  return ffi::Error::Success();
}

// One network only. Its results: the planes (unpack.h) and the final states.
ffi::Error trace_handler(ffi::RemainingArgs args, ffi::RemainingRets rets, int32_t kind, int32_t given, bool reverse) {
  LATCHWORK_RETURN_IF_ERROR(check_kind(kind));
  Buffer operands[kOperands], results[3];
  Members members;
  std::size_t next = 0;
  LATCHWORK_RETURN_IF_ERROR(read_operands(args, given, operands, next, members));
  const int count = kind_shape(static_cast<Kind>(kind)).has_cell ? 3 : 2;
  for (int i = 0; i < count; ++i) LATCHWORK_RETURN_IF_ERROR(read(rets, i, i == 0 ? 4 : 2, results[i]));
  if (members.count != 1) return ffi::Error::InvalidArgument("latchwork: a trace is of one network");
  const auto at = [&](int i) { return members.part<float>(results[i], 0); };
  trace(static_cast<Kind>(kind), shape_of(operands), reverse, operands_of(members, operands, 0), at(0), at(1), at(2),
        available_threads());
  return ffi::Error::Success();
}

ffi::Error backward_handler(ffi::RemainingArgs args, ffi::RemainingRets rets, int32_t kind, int32_t given, bool reverse,
                            int32_t cotangents_given, int32_t wanted) {
  LATCHWORK_RETURN_IF_ERROR(check_kind(kind));
  constexpr int kCotangents = 5, kGradients = 10;
  constexpr int cotangent_rank[kCotangents] = {3, 1, 3, 2, 2};
  constexpr int gradient_rank[kGradients] = {3, 2, 2, 1, 1, 1, 1, 1, 2, 2};
  Buffer operands[kOperands], cotangents[kCotangents], gradients[kGradients];
  Members members;
  std::size_t next = 0;
  LATCHWORK_RETURN_IF_ERROR(read_operands(args, given, operands, next, members));
  for (int i = 0; i < kCotangents; ++i) {
    if (!(cotangents_given >> i & 1)) continue;
    LATCHWORK_RETURN_IF_ERROR(read(args, next++, cotangent_rank[i], false, cotangents[i]));
    LATCHWORK_RETURN_IF_ERROR(members.include(cotangents[i]));
  }
  next = 0;
  for (int i = 0; i < kGradients; ++i)
    if (wanted >> i & 1) LATCHWORK_RETURN_IF_ERROR(read(rets, next++, gradient_rank[i], gradients[i]));
  std::vector<Operands> each;
  std::vector<Cotangents> by;
  std::vector<Gradients> into;
  for (int64_t member = 0; member < members.count; ++member) {
    each.push_back(operands_of(members, operands, member));
    const auto from = [&](int i) { return members.part<const float>(cotangents[i], member); };
    by.push_back({from(0), from(1), from(2), from(3), from(4)});
    const auto to = [&](int i) { return members.part<float>(gradients[i], member); };
    into.push_back({to(0), to(1), to(2), to(3), to(4), {to(5), to(6), to(7)}, to(8), to(9)});
  }
  backward(static_cast<Kind>(kind), shape_of(operands), reverse, each.data(), by.data(), into.data(), members.count,
           available_threads());
  return ffi::Error::Success();
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(xla_forward, forward_handler,
                              ffi::Ffi::Bind()
                                  .RemainingArgs()
                                  .RemainingRets()
                                  .Attr<int32_t>("kind")
                                  .Attr<int32_t>("given")
                                  .Attr<bool>("reverse")
                                  .Attr<bool>("saves"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(xla_backward, backward_handler,
                              ffi::Ffi::Bind()
                                  .RemainingArgs()
                                  .RemainingRets()
                                  .Attr<int32_t>("kind")
                                  .Attr<int32_t>("given")
                                  .Attr<bool>("reverse")
                                  .Attr<int32_t>("cotangents")
                                  .Attr<int32_t>("wanted"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(
    xla_trace, trace_handler,
    ffi::Ffi::Bind().RemainingArgs().RemainingRets().Attr<int32_t>("kind").Attr<int32_t>("given").Attr<bool>(
        "reverse"));

void* forward_target() { return reinterpret_cast<void*>(xla_forward); }
void* backward_target() { return reinterpret_cast<void*>(xla_backward); }
void* trace_target() { return reinterpret_cast<void*>(xla_trace); }

}  // namespace latchwork
