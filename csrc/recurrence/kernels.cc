#include "recurrence/kernels.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <new>
#include <numeric>
#include <vector>

#include "recurrence/call.h"
#include "threads/pages.h"

namespace latchwork {

namespace {

// Chunks that a batch is cut into, at most, and the least rows of each: fewer would leave tiles empty, or, where the
// weights of a step do not fit in the L1 cache, read them too often.
constexpr int64_t kChunks = 4;
constexpr int64_t kChunkRows = 12;
constexpr int64_t kChunkRowsOfLargeWeights = 24;

// Row-steps, at least, that the inputs' product and the weights' gradients take at once: as few as fill their tiles, so
// that what they read and write stays in cache.
constexpr int64_t kBlockRows = 64;

// Bytes of a step's weights from which the inputs' product is made for many steps at once.
constexpr int64_t kLargeWeights = 64 << 10;

// Bytes of a step's weights from which threads share its columns instead of each reading all of them; and where there
// are too few rows for a tile each.
constexpr int64_t kSharedWeights = 1 << 20;
constexpr int64_t kSharedWeightsOfFewRows = 256 << 10;
constexpr int64_t kFewRows = 4;

Schedule schedule_for(Kind kind, const Shape& shape, int64_t members) {
  const int64_t columns = kind_shape(kind).gates * padded(shape.hidden, kWidestRegister);
  const int64_t weights = (shape.features + shape.hidden) * columns * 4;
  Schedule schedule{};
  schedule.by_columns = members == 1 && weights > (shape.batch <= kFewRows ? kSharedWeightsOfFewRows : kSharedWeights);
  schedule.project_first = weights > kLargeWeights;
  const int64_t least_rows = schedule.project_first ? kChunkRowsOfLargeWeights : kChunkRows;
  const int64_t most_chunks = schedule.by_columns ? 1 : std::max<int64_t>(1, shape.batch / least_rows);
  schedule.chunks = std::clamp<int64_t>(kChunks / members, 1, most_chunks);
  const int64_t rows = (shape.batch + schedule.chunks - 1) / schedule.chunks;
  schedule.block_rows = std::min(std::max(rows, kBlockRows), std::max<int64_t>(1, rows * shape.time));
  return schedule;
}

// How many rows the largest chunk of a network has.
int64_t most_rows(const Shape& shape, const Schedule& schedule) {
  return (shape.batch + schedule.chunks - 1) / schedule.chunks;
}

// A call smaller than this, in multiplications, is over before a second thread has woken.
constexpr int64_t kSmallCall = 400'000;

// Floats that one thread has unpacked before a second one has woken.
constexpr int64_t kSmallUnpacking = 100'000;

int useful_threads(Kind kind, const Shape& shape, int64_t steps, const Schedule& schedule, int64_t members,
                   int threads) {
  const int64_t work = steps * (shape.features + shape.hidden) * shape.hidden * kind_shape(kind).gates;
  if (work < kSmallCall) return 1;
  const int64_t parts =
      schedule.by_columns ? (shape.hidden + kWidestRegister - 1) / kWidestRegister : members * schedule.chunks;
  return static_cast<int>(std::min<int64_t>(threads, parts));
}

}  // namespace

void Plan::arrange(const Shape& shape, const Operands* operands, int64_t members, int64_t chunk_count) {
  rows_.resize(static_cast<std::size_t>(members * shape.batch));
  lengths_.resize(rows_.size());
  order_.resize(static_cast<std::size_t>(shape.batch));
  chunks_.assign(static_cast<std::size_t>(members * chunk_count), Chunk{});
  row_steps_ = 0;
  for (int64_t member = 0; member < members; ++member) {
    const int32_t* given = operands[member].lengths;
    const auto length = [&](int32_t row) {
      return given ? std::clamp<int32_t>(given[row], 0, static_cast<int32_t>(shape.time))
                   : static_cast<int32_t>(shape.time);
    };
    std::iota(order_.begin(), order_.end(), 0);
    if (given) {
      std::stable_sort(order_.begin(), order_.end(), [&](int32_t a, int32_t b) { return length(a) > length(b); });
    }
    int64_t at = member * shape.batch;
    int64_t first_step = 0;
    for (int64_t index = 0; index < chunk_count; ++index) {
      Chunk& chunk = chunks_[member * chunk_count + index];
      chunk.rows = rows_.data() + at;
      chunk.lengths = lengths_.data() + at;
      chunk.first_step = first_step;
      // Ragged rows are dealt out, so that every chunk gets long and short ones; equal ones stay neighbours.
      const int64_t begin = given ? index : shape.batch * index / chunk_count;
      const int64_t end = given ? shape.batch : shape.batch * (index + 1) / chunk_count;
      for (int64_t row = begin; row < end; row += given ? chunk_count : 1) {
        rows_[at] = order_[row];
        lengths_[at] = length(order_[row]);
        chunk.row_steps += lengths_[at++];
        ++chunk.count;
      }
      first_step += chunk.row_steps;
    }
    row_steps_ += first_step;
  }
}

Workspace& Workspace::of_this_thread() {
  static thread_local Workspace kept;
  return kept;
}

namespace {

char* memory_for(std::size_t bytes, Workspace* borrowed, std::optional<Loan>& loan) {
  const bool fits = !kExactLoans && borrowed && bytes <= sizeof borrowed->memory;
  return fits ? borrowed->memory : loan.emplace(bytes).data();
}

}  // namespace

ForwardCall::ForwardCall(Kind kind, const Shape& shape, bool reverse, const Operands* operands, const Results* results,
                         int64_t members, int threads, float* packed, Workspace* borrowed)
    : plan_(borrowed ? borrowed->plan : own_plan_), threads_(threads) {
  job_.kind = kind;
  job_.shape = shape;
  job_.reverse = reverse;
  job_.schedule = schedule_for(kind, shape, members);
  job_.members = members;
  job_.operands = operands;
  job_.results = results;
  job_.sizes = engine().measure_forward(job_, most_rows(shape, job_.schedule));
  const std::size_t to_pack = packed ? 0 : static_cast<std::size_t>(job_.sizes.packed * members) * sizeof(float);
  const int64_t workers = job_.schedule.by_columns ? 1 : threads;
  char* const memory = memory_for(to_pack + static_cast<std::size_t>(job_.sizes.scratch * workers), borrowed, loan_);
  job_.is_packed = packed != nullptr;
  job_.packed = packed ? packed : reinterpret_cast<float*>(memory);
  job_.scratch = memory + to_pack;
}

void ForwardCall::arrange() {
  plan_.arrange(job_.shape, job_.operands, job_.members, job_.schedule.chunks);
  job_.chunks = plan_.chunks();
}

int ForwardCall::useful_threads() const {
  return latchwork::useful_threads(job_.kind, job_.shape, plan_.row_steps(), job_.schedule, job_.members, threads_);
}

void ForwardCall::run(const Team& team) const { engine().forward(&job_, team); }

BackwardCall::BackwardCall(Kind kind, const Shape& shape, bool reverse, const Operands* operands,
                           const Cotangents* cotangents, const Gradients* gradients, int64_t members, int threads,
                           Workspace* borrowed)
    : plan_(borrowed ? borrowed->plan : own_plan_), threads_(threads) {
  job_.kind = kind;
  job_.shape = shape;
  job_.reverse = reverse;
  job_.schedule = schedule_for(kind, shape, members);
  job_.members = members;
  job_.operands = operands;
  job_.cotangents = cotangents;
  job_.gradients = gradients;
  job_.sizes = engine().measure_backward(job_, most_rows(shape, job_.schedule));
  const std::size_t packed = static_cast<std::size_t>(job_.sizes.packed * members) * sizeof(float);
  const std::size_t partials =
      static_cast<std::size_t>(job_.sizes.partial * members * job_.schedule.chunks) * sizeof(float);
  const int64_t workers = job_.schedule.by_columns ? 1 : threads;
  char* const memory =
      memory_for(packed + partials + static_cast<std::size_t>(job_.sizes.scratch * workers), borrowed, loan_);
  job_.packed = reinterpret_cast<float*>(memory);
  job_.partials = reinterpret_cast<float*>(memory + packed);
  job_.scratch = memory + packed + partials;
}

void BackwardCall::arrange() {
  plan_.arrange(job_.shape, job_.operands, job_.members, job_.schedule.chunks);
  job_.chunks = plan_.chunks();
}

int BackwardCall::useful_threads() const {
  return latchwork::useful_threads(job_.kind, job_.shape, plan_.row_steps(), job_.schedule, job_.members, threads_);
}

void BackwardCall::run(const Team& team) const { engine().backward(&job_, team); }

namespace {

// Arranges a call and runs it on as many threads as it is worth.
template <class Call>
void run_once(Call& call) {
  call.arrange();
  run_team(
      call.useful_threads(), [](const void* given, const Team& team) { static_cast<const Call*>(given)->run(team); },
      &call);
}

void run_forward(Kind kind, const Shape& shape, bool reverse, const Operands* operands, const Results* results,
                 int64_t members, float* packed, int threads) {
  if (members == 0 || shape.batch == 0 || shape.hidden == 0) return;
  ForwardCall call(kind, shape, reverse, operands, results, members, threads, packed, &Workspace::of_this_thread());
  run_once(call);
}

}  // namespace

void forward(Kind kind, const Shape& shape, bool reverse, const Operands* operands, const Results* results,
             int64_t members, int threads) {
  run_forward(kind, shape, reverse, operands, results, members, nullptr, threads);
}

void trace(Kind kind, const Shape& shape, bool reverse, const Operands& operands, float* planes, float* final_hidden,
           float* final_cell, int threads) {
  if (shape.batch == 0 || shape.hidden == 0) return;
  const int64_t plane = shape.batch * shape.time * shape.hidden;
  // The caller's array is mostly fresh memory: without large pages to fault it in costs more than to fill it.
  prefer_large_pages(planes, static_cast<std::size_t>(traced_planes(kind) * plane) * sizeof(float));
  const Loan loan(static_cast<std::size_t>(traced_floats(kind, shape)) * sizeof(float));
  float* outputs = planes + (traced_planes(kind) - 1) * plane;
  const Results results{outputs, final_hidden, final_cell, reinterpret_cast<float*>(loan.data()), true};
  run_forward(kind, shape, reverse, &operands, &results, 1, nullptr, threads);
  const int64_t chunks = schedule_for(kind, shape, 1).chunks;
  Plan plan;
  plan.arrange(shape, &operands, 1, chunks);  // the same that it was run by
  const UnpackJob job{kind, shape, reverse, engine().width, plan.chunks(), chunks, results.saved, planes};
  run_team(traced_floats(kind, shape) < kSmallUnpacking ? 1 : threads, unpack, &job);
}

Weights::Weights(Kind kind, int64_t features, int64_t hidden, const Operands& given)
    : kind_(kind), features_(features), hidden_(hidden) {
  ForwardJob job{};
  const Results nothing{};
  job.kind = kind;
  job.shape = {1, 1, features, hidden};
  job.members = 1;
  job.operands = &given;
  job.results = &nothing;
  job.sizes = engine().measure_forward(job, 1);
  const std::size_t bytes = (static_cast<std::size_t>(job.sizes.packed) * sizeof(float) + 63) / 64 * 64;
  packed_ = static_cast<float*>(std::aligned_alloc(64, std::max<std::size_t>(bytes, 64)));
  if (!packed_) throw std::bad_alloc();
  job.packed = packed_;
  engine().pack(job);
}

Weights::~Weights() { std::free(packed_); }

void Weights::forward(int64_t batch, int64_t time, bool reverse, const Operands& given, const Results& results,
                      int threads) const {
  run_forward(kind_, {batch, time, features_, hidden_}, reverse, &given, &results, 1, packed_, threads);
}

void backward(Kind kind, const Shape& shape, bool reverse, const Operands* operands, const Cotangents* cotangents,
              const Gradients* gradients, int64_t members, int threads) {
  if (members == 0 || shape.hidden == 0) return;
  BackwardCall call(kind, shape, reverse, operands, cotangents, gradients, members, threads,
                    &Workspace::of_this_thread());
  run_once(call);
}

double fma_peak(int threads) {
  std::vector<float> results(static_cast<std::size_t>(threads) * engine().width);
  double best = 0, operations = 0;
  for (int attempt = 0; attempt < 10; ++attempt) {
    const PeakJob job{2'000'000, 0.999f, 0.001f, results.data(), &operations};
    const auto began = std::chrono::steady_clock::now();
    run_team(threads, engine().peak, &job);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
    best = std::max(best, operations / seconds.count());
  }
  return best;
}

}  // namespace latchwork
