#include "bind/arrays.h"

namespace nb = nanobind;

namespace latchwork {

namespace {

// From the module's start on: an answer's array is made without a line of Python.
PyObject *numpy_empty, *numpy_float32;

}  // namespace

void find_numpy() {
  const nb::module_ numpy = nb::module_::import_("numpy");
  numpy_empty = nb::object(numpy.attr("empty")).release().ptr();
  numpy_float32 = nb::object(numpy.attr("dtype")("float32")).release().ptr();
}

nb::object new_array(const nb::tuple& shape) { return nb::handle(numpy_empty)(shape, nb::handle(numpy_float32)); }

}  // namespace latchwork
