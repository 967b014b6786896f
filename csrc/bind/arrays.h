// NumPy's arrays without the cost of a general conversion.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>

namespace latchwork {

// An array of any object that offers its memory as dense numbers of one type and so many axes: a tenth of what a general
// conversion costs. Empty, with no error set, where it is something else; the slow path then says what is wrong.
class DenseArray {
 public:
  DenseArray(nanobind::handle object, int axes, bool writable = false) {
    const int flags = PyBUF_ND | PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(object.ptr(), &view_, flags) != 0) {
      PyErr_Clear();
      return;
    }
    taken_ = true;
    if (view_.ndim == axes && view_.format && view_.format[1] == 0) type_ = view_.format[0];
  }
  ~DenseArray() {
    if (taken_) PyBuffer_Release(&view_);
  }
  DenseArray(const DenseArray&) = delete;
  DenseArray& operator=(const DenseArray&) = delete;

  // The type's letter in Python's `struct`, 0 where the object is none such.
  char type() const { return type_; }
  bool is_float() const { return type_ == 'f'; }
  int64_t shape(int axis) const { return view_.shape[axis]; }
  template <class T = float>
  T* data() const {
    return static_cast<T*>(view_.buf);
  }

 private:
  Py_buffer view_;
  bool taken_ = false;
  char type_ = 0;
};

// NumPy's own functions are looked up once.
void find_numpy();
// A new float32 array that is not cleared.
nanobind::object new_array(const nanobind::tuple& shape);

// Calls shorter than this, in multiplications, keep the interpreter: letting go and taking it again costs as much.
inline constexpr int64_t kBriefCall = 100'000;

template <class Call>
auto released(int64_t work, Call&& call) {
  if (work < kBriefCall) return call();
  const nanobind::gil_scoped_release released;
  return call();
}

}  // namespace latchwork
