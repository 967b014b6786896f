// The XLA FFI handlers, as the addresses that JAX registers.
#pragma once

namespace latchwork {

void* forward_target();
void* backward_target();

}  // namespace latchwork
