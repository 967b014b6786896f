#include "kernels.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <numeric>
#include <vector>

namespace latchwork {

namespace baseline { extern const Engine engine; }
#if defined(__x86_64__)
namespace avx2 { extern const Engine engine; }
namespace avx512 { extern const Engine engine; }
#endif

namespace {

// Memory that calls borrow, so that none pays for fresh pages. What is returned is kept, up to a limit.
class Lender {
 public:
  class Loan {
   public:
    Loan(Lender& lender, std::size_t bytes) : lender_(lender), block_(lender.borrow(bytes)) {}
    ~Loan() { lender_.give_back(block_); }
    Loan(const Loan&) = delete;
    char* data() const { return static_cast<char*>(block_.data); }

   private:
    friend Lender;
    Lender& lender_;
    struct Block {
      void* data;
      std::size_t bytes;
    } block_;
  };

 private:
  using Block = decltype(Loan::block_);
  static constexpr std::size_t kAlignment = 4096;
  static constexpr std::size_t kKept = 8;                       // blocks
  static constexpr std::size_t kLargestKept = std::size_t{256} << 20;  // bytes

  Block borrow(std::size_t bytes) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      const auto found = std::find_if(free_.begin(), free_.end(), [&](const Block& b) { return b.bytes >= bytes; });
      if (found != free_.end()) {
        const Block block = *found;
        free_.erase(found);
        return block;
      }
    }
    bytes = (bytes + bytes / 4 + kAlignment) / kAlignment * kAlignment;
    void* data = std::aligned_alloc(kAlignment, bytes);
    if (!data) throw std::bad_alloc();
    return {data, bytes};
  }

  void give_back(Block block) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (block.bytes <= kLargestKept) {
        free_.push_back(block);
        block.data = nullptr;
        if (free_.size() > kKept) {
          block = free_.front();
          free_.erase(free_.begin());
        }
      }
    }
    std::free(block.data);
  }

  std::mutex mutex_;
  std::vector<Block> free_;
};

Lender& lender() {
  static Lender* const kept = new Lender;  // never destroyed: threads may end after static objects do
  return *kept;
}

// Chunks that a batch is cut into, at most, and the least rows of each: fewer would leave tiles empty, or, where the
// weights of a step do not fit in the L1 cache, read them too often.
constexpr int64_t kChunks = 4;
constexpr int64_t kChunkRows = 12;
constexpr int64_t kChunkRowsOfLargeWeights = 24;

// Bytes of a step's weights from which the inputs' product is made for many steps at once.
constexpr int64_t kLargeWeights = 64 << 10;

// Bytes of a step's weights from which threads share its columns instead of each reading all of them.
constexpr int64_t kSharedWeights = 1 << 20;

Schedule schedule_for(Kind kind, const Shape& shape, int64_t members) {
  const KindShape k = kind_shape(kind);
  const int64_t columns = k.gates * padded(shape.hidden, kWidestRegister);
  const int64_t weights = (shape.features + shape.hidden) * columns * 4;
  Schedule schedule{};
  schedule.by_columns = members == 1 && weights > kSharedWeights && shape.batch >= 4;
  schedule.project_first = weights > kLargeWeights;
  const int64_t least_rows = schedule.project_first ? kChunkRowsOfLargeWeights : kChunkRows;
  const int64_t most_chunks = schedule.by_columns ? 1 : std::max<int64_t>(1, shape.batch / least_rows);
  schedule.chunks = std::clamp<int64_t>(kChunks / members, 1, most_chunks);
  const int64_t rows = (shape.batch + schedule.chunks - 1) / schedule.chunks;
  schedule.block_rows = std::min(std::max<int64_t>(rows, 128), std::max<int64_t>(1, rows * shape.time));
  return schedule;
}

// Each member's chunks, and the memory that they point into.
struct Plan {
  std::vector<int32_t> rows, lengths;
  std::vector<Chunk> chunks;
  int64_t most_rows = 0;

  Plan(const Shape& shape, const Operands* operands, int64_t members, int64_t chunk_count)
      : rows(members * shape.batch), lengths(members * shape.batch), chunks(members * chunk_count) {
    std::vector<int32_t> order(shape.batch);
    for (int64_t member = 0; member < members; ++member) {
      const int32_t* given = operands[member].lengths;
      const auto length = [&](int32_t row) {
        return given ? std::clamp<int32_t>(given[row], 0, static_cast<int32_t>(shape.time))
                     : static_cast<int32_t>(shape.time);
      };
      std::iota(order.begin(), order.end(), 0);
      if (given) {
        std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return length(a) > length(b); });
      }
      int64_t at = member * shape.batch;
      int64_t first_step = 0;
      for (int64_t index = 0; index < chunk_count; ++index) {
        Chunk& chunk = chunks[member * chunk_count + index];
        chunk.rows = &rows[at];
        chunk.lengths = &lengths[at];
        chunk.first_step = first_step;
        // Ragged rows are dealt out, so that every chunk gets long and short ones; equal ones stay neighbours.
        const int64_t begin = given ? index : shape.batch * index / chunk_count;
        const int64_t end = given ? shape.batch : shape.batch * (index + 1) / chunk_count;
        for (int64_t row = begin; row < end; row += given ? chunk_count : 1) {
          rows[at] = order[row];
          lengths[at] = length(order[row]);
          chunk.row_steps += lengths[at++];
          ++chunk.count;
        }
        first_step += chunk.row_steps;
        most_rows = std::max(most_rows, chunk.count);
      }
    }
  }
};

// A call smaller than this, in multiplications, is over before a second thread has woken.
constexpr int64_t kSmallCall = 400'000;

// Floats that one thread has unpacked before a second one has woken.
constexpr int64_t kSmallUnpacking = 100'000;

int useful_threads(Kind kind, const Shape& shape, const Plan& plan, const Schedule& schedule, int64_t members,
                   int threads) {
  int64_t steps = 0;
  for (const Chunk& chunk : plan.chunks) steps += chunk.row_steps;
  const int64_t work = steps * (shape.features + shape.hidden) * shape.hidden * kind_shape(kind).gates;
  if (work < kSmallCall) return 1;
  const int64_t parts =
      schedule.by_columns ? (shape.hidden + kWidestRegister - 1) / kWidestRegister : members * schedule.chunks;
  return static_cast<int>(std::min<int64_t>(threads, parts));
}

}  // namespace

const Engine& engine() {
  static const Engine& chosen = []() -> const Engine& {
#if defined(__x86_64__)
    const char* wanted = std::getenv("LATCHWORK_BUILD");
    const auto may = [&](const Engine& build) { return !wanted || std::strcmp(wanted, build.name) == 0; };
    __builtin_cpu_init();
    const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") && may(avx512::engine)) {
      return avx512::engine;
    }
    if (has_avx2 && may(avx2::engine)) return avx2::engine;
#endif
    return baseline::engine;
  }();
  return chosen;
}

namespace {

void run_forward(Kind kind, const Shape& shape, bool reverse, const Operands* operands, const Results* results,
                 int64_t members, float* packed, int threads) {
  if (members == 0 || shape.batch == 0 || shape.hidden == 0) return;
  ForwardJob job{};
  job.kind = kind;
  job.shape = shape;
  job.reverse = reverse;
  job.schedule = schedule_for(kind, shape, members);
  job.members = members;
  job.operands = operands;
  job.results = results;
  const Plan plan(shape, operands, members, job.schedule.chunks);
  job.chunks = plan.chunks.data();
  job.sizes = engine().measure_forward(job, plan.most_rows);
  threads = useful_threads(kind, shape, plan, job.schedule, members, threads);
  const std::size_t to_pack = packed ? 0 : static_cast<std::size_t>(job.sizes.packed * members) * sizeof(float);
  const int64_t workers = job.schedule.by_columns ? 1 : threads;
  const Lender::Loan loan(lender(), to_pack + static_cast<std::size_t>(job.sizes.scratch * workers));
  job.is_packed = packed != nullptr;
  job.packed = packed ? packed : reinterpret_cast<float*>(loan.data());
  job.scratch = loan.data() + to_pack;
  run_team(threads, engine().forward, &job);
}

}  // namespace

void forward(Kind kind, const Shape& shape, bool reverse, const Operands* operands, const Results* results,
             int64_t members, int threads) {
  run_forward(kind, shape, reverse, operands, results, members, nullptr, threads);
}

void trace(Kind kind, const Shape& shape, bool reverse, const Operands& operands, float* planes, float* final_hidden,
           float* final_cell, int threads) {
  if (shape.batch == 0 || shape.hidden == 0) return;
  const Lender::Loan loan(lender(), static_cast<std::size_t>(saved_floats(kind, shape)) * sizeof(float));
  float* outputs = planes + (traced_planes(kind) - 1) * shape.batch * shape.time * shape.hidden;
  const Results results{outputs, final_hidden, final_cell, reinterpret_cast<float*>(loan.data())};
  run_forward(kind, shape, reverse, &operands, &results, 1, nullptr, threads);
  const int64_t chunks = schedule_for(kind, shape, 1).chunks;
  const Plan plan(shape, &operands, 1, chunks);  // the same that it was run by
  const UnpackJob job{kind, shape, reverse, engine().width, plan.chunks.data(), chunks, results.saved, planes};
  run_team(saved_floats(kind, shape) < kSmallUnpacking ? 1 : threads, unpack, &job);
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
  BackwardJob job{};
  job.kind = kind;
  job.shape = shape;
  job.reverse = reverse;
  job.schedule = schedule_for(kind, shape, members);
  job.members = members;
  job.operands = operands;
  job.cotangents = cotangents;
  job.gradients = gradients;
  const Plan plan(shape, operands, members, job.schedule.chunks);
  job.chunks = plan.chunks.data();
  job.sizes = engine().measure_backward(job, plan.most_rows);
  threads = useful_threads(kind, shape, plan, job.schedule, members, threads);
  const std::size_t packed = static_cast<std::size_t>(job.sizes.packed * members) * sizeof(float);
  const std::size_t partials =
      static_cast<std::size_t>(job.sizes.partial * members * job.schedule.chunks) * sizeof(float);
  const int64_t workers = job.schedule.by_columns ? 1 : threads;
  const Lender::Loan loan(lender(), packed + partials + static_cast<std::size_t>(job.sizes.scratch * workers));
  job.packed = reinterpret_cast<float*>(loan.data());
  job.partials = reinterpret_cast<float*>(loan.data() + packed);
  job.scratch = loan.data() + packed + partials;
  run_team(threads, engine().backward, &job);
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
