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
constexpr int kOperands = 14;
constexpr int kOperandRank[kOperands] = {3, 2, 2, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 1};
constexpr int kLengths = 13;

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
          at(8),  {at(9), at(10), at(11)},
          at(12), members.part<const int32_t>(operands[kLengths], member)};
}

// The recurrent weights' own shape says how many heads they have.
Shape shape_of(Kind kind, const Buffer* operands) {
  const int64_t hidden = operands[2].shape[0], columns = operands[2].shape[1];
  const int64_t heads = columns > 0 ? kind_shape(kind).gates * hidden / columns : 1;
  return {operands[0].shape[0], operands[0].shape[1], operands[0].shape[2], hidden, heads};
}

ffi::Error check_shape(Kind kind, const Buffer* operands) {
  const Shape shape = shape_of(kind, operands);
  const bool fits = shape.heads > 0 && shape.hidden % shape.heads == 0 &&
                    kind_shape(kind).gates * shape.hidden == shape.heads * operands[2].shape[1];
  return fits ? ffi::Error::Success() : ffi::Error::InvalidArgument("latchwork: hidden_weight has the wrong shape");
}

ffi::Error forward_handler(ffi::RemainingArgs args, ffi::RemainingRets rets, int32_t kind, int32_t given, bool reverse,
                           bool saves) {
  LATCHWORK_RETURN_IF_ERROR(check_kind(kind));
  constexpr int kResults =
      kMostStates + 3;  // the outputs, the states with the hidden one first, what backward is given
  Buffer operands[kOperands], results[kResults];
  Members members;
  std::size_t next = 0;
  LATCHWORK_RETURN_IF_ERROR(read_operands(args, given, operands, next, members));
  LATCHWORK_RETURN_IF_ERROR(check_shape(static_cast<Kind>(kind), operands));
  const int states = kind_shape(static_cast<Kind>(kind)).states;
  next = 0;
  LATCHWORK_RETURN_IF_ERROR(read(rets, next++, 3, results[0]));
  for (int s = 0; s <= states; ++s) LATCHWORK_RETURN_IF_ERROR(read(rets, next++, 2, results[1 + s]));
  if (saves) LATCHWORK_RETURN_IF_ERROR(read(rets, next++, 1, results[kResults - 1]));
  LATCHWORK_RETURN_IF_ERROR(members.include(results[0]));
  std::vector<Operands> each;
  std::vector<Results> into;
  for (int64_t member = 0; member < members.count; ++member) {
    each.push_back(operands_of(members, operands, member));
    const auto at = [&](int i) { return members.part<float>(results[i], member); };
    into.push_back({at(0), at(1), {at(2), at(3), at(4)}, at(5), false});
  }
  forward(static_cast<Kind>(kind), shape_of(static_cast<Kind>(kind), operands), reverse, each.data(), into.data(),
          members.count, available_threads());
  return ffi::Error::Success();
}

ffi::Error backward_handler(ffi::RemainingArgs args, ffi::RemainingRets rets, int32_t kind, int32_t given, bool reverse,
                            int32_t cotangents_given, int32_t wanted) {
  LATCHWORK_RETURN_IF_ERROR(check_kind(kind));
  constexpr int kCotangents = 7, kGradients = 12;
  constexpr int cotangent_rank[kCotangents] = {3, 1, 3, 2, 2, 2, 2};
  constexpr int gradient_rank[kGradients] = {3, 2, 2, 1, 1, 1, 1, 1, 2, 2, 2, 2};
  Buffer operands[kOperands], cotangents[kCotangents], gradients[kGradients];
  Members members;
  std::size_t next = 0;
  LATCHWORK_RETURN_IF_ERROR(read_operands(args, given, operands, next, members));
  LATCHWORK_RETURN_IF_ERROR(check_shape(static_cast<Kind>(kind), operands));
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
    by.push_back({from(0), from(1), from(2), from(3), {from(4), from(5), from(6)}});
    const auto to = [&](int i) { return members.part<float>(gradients[i], member); };
    into.push_back({to(0), to(1), to(2), to(3), to(4), {to(5), to(6), to(7)}, to(8), {to(9), to(10), to(11)}});
  }
  backward(static_cast<Kind>(kind), shape_of(static_cast<Kind>(kind), operands), reverse, each.data(), by.data(),
           into.data(), members.count, available_threads());
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

void* forward_target() { return reinterpret_cast<void*>(xla_forward); }
void* backward_target() { return reinterpret_cast<void*>(xla_backward); }

}  // namespace latchwork
