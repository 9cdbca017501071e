// Steps that move memory, beside a copy of as many bytes; and matrix products.
//   g++ -std=c++20 -O3 -march=native -fopenmp -Iinclude bench/cpu/movement.cpp -lopenblas && ./a.out
#include <cstdlib>
#include <initializer_list>

#include "timing.hpp"

using namespace timing;
namespace {

/// Small integers, so that any element type can be summed.
struct buffer {
  thunder::array a;
  buffer(dtype t, std::initializer_list<std::int64_t> e) {
    a.type = t;
    for (auto n : e) a.extents[a.rank++] = n;
    a.data = std::aligned_alloc(64, static_cast<std::size_t>((a.bytes() + 63) / 64 * 64));
    cpu::parallel_for(a.bytes(), a.bytes(), [&](std::int64_t i, std::int64_t end, int) {
      std::memset(a.begin() + i, 0, static_cast<std::size_t>(end - i));
    });
  }
  buffer& random(std::uint32_t below) {
    std::uint32_t state = 1;
    for (std::int64_t i = 0; i < a.count(); ++i) {
      state = state * 1664525u + 1013904223u;
      const auto v = static_cast<std::int32_t>(state >> 8) % static_cast<std::int32_t>(below);
      if (a.type == dtype::i32) static_cast<std::int32_t*>(a.data)[i] = v;
      if (a.type == dtype::f32) static_cast<float*>(a.data)[i] = static_cast<float>(v);
      if (a.type == dtype::bf16) static_cast<bf16*>(a.data)[i] = bf16(static_cast<float>(v));
    }
    return *this;
  }
  buffer(const buffer&) = delete;
  ~buffer() { std::free(a.data); }
};

template <class Op> double microseconds(std::vector<thunder::array> in, const thunder::array& out, std::vector<std::int64_t> words) {
  return shortest([&] {
    cpu::library_step<Op>::run({in.data(), static_cast<int>(in.size()), &out, 1, words.data(), static_cast<int>(words.size())});
  });
}
/// `bytes` are read and written in all.
template <class Op>
void measure(const char* name, std::int64_t bytes, std::vector<thunder::array> in, const thunder::array& out,
            std::vector<std::int64_t> words) {
  add_row({name, microseconds<Op>(in, out, words), copy_microseconds(bytes), "copy"});
}

void transposes() {
  auto one = [](const char* name, dtype t, std::initializer_list<std::int64_t> from, std::initializer_list<std::int64_t> to,
                std::vector<std::int64_t> order) {
    buffer x(t, from), y(t, to);
    measure<ops::transpose>(name, 2 * x.a.bytes(), {x.a}, y.a, order);
  };
  one("transpose 4096x4096 f32", dtype::f32, {4096, 4096}, {4096, 4096}, {1, 0});
  one("transpose 4096x4096 bf16", dtype::bf16, {4096, 4096}, {4096, 4096}, {1, 0});
  one("transpose 4000x5000 f32", dtype::f32, {4000, 5000}, {5000, 4000}, {1, 0});
  one("transpose 1000x1000 f32", dtype::f32, {1000, 1000}, {1000, 1000}, {1, 0});
  one("transpose 768x3072 f32", dtype::f32, {768, 3072}, {3072, 768}, {1, 0});
  one("transpose 4096x4096 f64", dtype::f64, {4096, 4096}, {4096, 4096}, {1, 0});
  one("heads [8, 1024, 12, 64] -> [8, 12, 1024, 64] f32", dtype::f32, {8, 1024, 12, 64}, {8, 12, 1024, 64}, {0, 2, 1, 3});
  one("keys [8, 1024, 12, 64] -> [8, 12, 64, 1024] f32", dtype::f32, {8, 1024, 12, 64}, {8, 12, 64, 1024}, {0, 2, 3, 1});
  one("images [64, 224, 224, 3] -> [64, 3, 224, 224] f32", dtype::f32, {64, 224, 224, 3}, {64, 3, 224, 224}, {0, 3, 1, 2});
}

void others() {
  {
    buffer x(dtype::f32, {50000, 768}), i(dtype::i32, {50000}), y(dtype::f32, {50000, 768});
    i.random(50000);
    measure<ops::take>("take 50000 rows of 768 f32 from 50000", 2 * y.a.bytes(), {x.a, i.a}, y.a, {});
    measure<ops::scatter_add>("scatter_add 50000 rows of 768 f32 to 50000", 2 * y.a.bytes(), {i.a, x.a}, y.a, {});
  }
  {
    buffer x(dtype::f32, {50257, 768}), i(dtype::i32, {8192}), y(dtype::f32, {8192, 768});
    i.random(50257);
    measure<ops::take>("take 8192 rows of 768 f32 from 50257", 2 * y.a.bytes(), {x.a, i.a}, y.a, {});
    measure<ops::scatter_add>("scatter_add 8192 rows of 768 f32 to 50257", y.a.bytes() + x.a.bytes(), {i.a, y.a}, x.a, {});
  }
  {
    buffer x(dtype::bf16, {50000, 768}), i(dtype::i32, {50000}), y(dtype::bf16, {50000, 768});
    i.random(1000);
    measure<ops::scatter_add>("scatter_add 50000 rows of 768 bf16 to 50000", 2 * y.a.bytes(), {i.a, x.a}, y.a, {});
  }
  {
    buffer x(dtype::f32, {16384, 768}), y(dtype::f32, {16384, 3 * 768});
    measure<ops::concatenate>("concatenate 3 x [16384, 768] f32, last axis", 2 * y.a.bytes(), {x.a, x.a, x.a}, y.a, {1});
    measure<ops::slice>("slice [16384, 768] of [16384, 2304] f32", 2 * x.a.bytes(), {y.a}, x.a, {0, 768, -1, 1536, 1, 1});
    measure<ops::pad>("pad [16384, 768] to [16384, 2304] f32", x.a.bytes() + y.a.bytes(), {x.a}, y.a, {0, 768, 0, 768, 0, 0});
  }
  {
    buffer x(dtype::f32, {768}), c(dtype::f32, {16384}), y(dtype::f32, {16384, 768}), i(dtype::i32, {16384}),
        n(dtype::i32, {768});
    measure<ops::broadcast>("broadcast [768] to [16384, 768] f32 (writes only)", y.a.bytes(), {x.a}, y.a, {2});
    measure<ops::broadcast>("broadcast [16384] to [16384, 768] f32", y.a.bytes(), {c.a}, y.a, {1});
    measure<ops::full>("full [16384, 768] f32", y.a.bytes(), {}, y.a, {0});
    y.random(1000);
    measure<ops::argmax>("argmax of [16384, 768] f32, last axis (reads only)", y.a.bytes(), {y.a}, i.a, {1});
    measure<ops::argmax>("argmax of [16384, 768] f32, first axis", y.a.bytes(), {y.a}, n.a, {0});
  }
}

void products() {
  auto one = [](const char* name, dtype t, std::initializer_list<std::int64_t> a, std::initializer_list<std::int64_t> b,
                std::initializer_list<std::int64_t> c, std::vector<std::int64_t> w) {
    buffer x(t, a), y(t, b), z(t, c);
    x.random(8), y.random(8);
    const std::int64_t k = x.a.extents[x.a.rank - (w[0] ? 2 : 1)];
    const double us = microseconds<ops::matmul>({x.a, y.a}, z.a, w);
    add_row({std::string(name) + ", " + std::to_string(static_cast<int>(2e-3 * static_cast<double>(z.a.count() * k) / us)) + " GFLOP/s", us, 0, ""});
  };
  one("matmul 1024^3 f32", dtype::f32, {1024, 1024}, {1024, 1024}, {1024, 1024}, {0, 0});
  one("matmul 1024^3 f32, y transposed", dtype::f32, {1024, 1024}, {1024, 1024}, {1024, 1024}, {0, 1});
  one("matmul 1024^3 bf16", dtype::bf16, {1024, 1024}, {1024, 1024}, {1024, 1024}, {0, 0});
  one("matmul [64 * 784 -> 512] f32", dtype::f32, {64, 784}, {784, 512}, {64, 512}, {0, 0});
  one("matmul [4, 256, 768] x [768, 768] f32", dtype::f32, {4, 256, 768}, {768, 768}, {4, 256, 768}, {0, 0});
  one("matmul [4, 256, 768] x [768, 768] bf16", dtype::bf16, {4, 256, 768}, {768, 768}, {4, 256, 768}, {0, 0});
  one("matmul [48, 256, 64] x [48, 64, 256] f32", dtype::f32, {48, 256, 64}, {48, 256, 64}, {48, 256, 256}, {0, 1});
  one("matmul [4096, 16, 16] x [4096, 16, 16] f32", dtype::f32, {4096, 16, 16}, {4096, 16, 16}, {4096, 16, 16}, {0, 0});
  one("matmul [65536, 4, 4] x [65536, 4, 4] f32", dtype::f32, {65536, 4, 4}, {65536, 4, 4}, {65536, 4, 4}, {0, 0});
  one("matmul [4096, 4096] x [4096, 1] f32", dtype::f32, {4096, 4096}, {4096, 1}, {4096, 1}, {0, 0});
  one("matmul [1, 4096] x [4096, 4096] f32", dtype::f32, {1, 4096}, {4096, 4096}, {1, 4096}, {0, 0});
}

/// Products of a half type beside the same in float, in turns: what converting costs.
void half_products() {
  for (const std::int64_t n : {256, 512, 1024, 2048})
    for (int w = 0; w < 3; ++w) {
      const std::vector<std::int64_t> words{w & 1, w >> 1, static_cast<std::int64_t>(dtype::f32)};
      const buffer x(dtype::f32, {n, n}), y(dtype::f32, {n, n}), z(dtype::f32, {n, n}), hx(dtype::bf16, {n, n}), hy(dtype::bf16, {n, n}), hz(dtype::bf16, {n, n});
      double plain = 1e9, half = 1e9, wide = 1e9;
      auto once = [&](const buffer& a, const buffer& b, const buffer& c, double& best) {
        const thunder::array in[]{a.a, b.a};
        const auto start = std::chrono::steady_clock::now();
        cpu::library_step<ops::matmul>::run({in, 2, &c.a, 1, words.data(), 3});
        best = std::min(best, std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
      };
      for (int i = 0; i < (n > 1000 ? 10 : 60); ++i) once(x, y, z, plain), once(hx, hy, hz, half), once(hx, hy, z, wide);
      const std::string name = "matmul " + std::to_string(n) + "^3" + (w == 0 ? "" : w == 1 ? ", x transposed" : ", y transposed");
      add_row({name + " f32", plain, 0, ""});
      add_row({name + " bf16", half, 0, ""});
      add_row({name + " bf16 to f32", wide, 0, ""});
    }
}

}  // namespace

int main(int argc, char** argv) {
  return timing::report(argc, argv, machine, [] { transposes(), others(), products(), half_products(); });
}
