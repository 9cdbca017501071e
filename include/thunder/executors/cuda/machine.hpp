#pragma once
/// The GPU as a kernel sees it: where a thread is, memory, shuffles, barriers, and the functions of its arithmetic units. The emulated
/// machine (emulation.hpp) has the same members. Only nvcc sees this file's contents.
#include "portable.hpp"

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
#error "thunder's kernels need compute capability 8.0 or later: compile with -arch=sm_80 or more (CMake: set CMAKE_CUDA_ARCHITECTURES)"
#endif

#ifdef __CUDACC__
#include <cstdint>
#include <initializer_list>

#include <cuda_fp16.h>
#include <cuda_runtime_api.h>

namespace thunder::cuda {

/// Bytes of shared memory that a block can have on each of these architectures (900: compute capability 9.0).
constexpr int least_shared(std::initializer_list<int> architectures) {
  int least = 227 * 1024;
  for (const int a : architectures) {
    const int most = a == 800 || a == 870 ? 163 * 1024 : (a >= 900 && a < 1200) ? 227 * 1024 : 99 * 1024;
    least = most < least ? most : least;
  }
  return least;
}

/// 32-bit words of global memory, as wide as one access allows: 16 bytes.
struct gpu {
#ifdef __CUDA_ARCH_LIST__  // (of the whole compilation, for the host's code too)
  static constexpr machine_limits limits{least_shared({__CUDA_ARCH_LIST__})};
#else
  static constexpr machine_limits limits{99 * 1024};
#endif
  /// The most that the arguments of a kernel may have together.
#if CUDART_VERSION >= 12010
  static constexpr int argument_bytes = 32764;
#else
  static constexpr int argument_bytes = 4096;
#endif

  // ---- where
  THUNDER_DEVICE static int thread() { return static_cast<int>(threadIdx.x); }
  THUNDER_DEVICE static int block() { return static_cast<int>(blockIdx.x); }
  THUNDER_DEVICE static char* shared() {
    extern __shared__ __align__(128) char memory[];
    return memory;
  }

  // ---- together
  THUNDER_DEVICE static void sync() { __syncthreads(); }
  /// A barrier of `count` of the block's threads, which agree on a name from 1 to 15.
  THUNDER_DEVICE static void sync_some(int name, int count) { asm volatile("bar.sync %0, %1;" ::"r"(name), "r"(count) : "memory"); }
  template <class T> THUNDER_DEVICE static T shuffle_xor(T x, int mask) { return __shfl_xor_sync(0xffffffffu, x, mask); }
  template <class T> THUNDER_DEVICE static T shared_load(const T* p) { return *p; }
  template <class T> THUNDER_DEVICE static void shared_store(T* p, T x) { *p = x; }
  template <class T> THUNDER_DEVICE static T global_load(const T* p) { return *p; }
  template <class T> THUNDER_DEVICE static void global_store(T* p, T x) { *p = x; }
  /// What follows may read what earlier kernels of the stream wrote; what comes next may start.
  THUNDER_DEVICE static void begin_dependent() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
  }

  // ---- memory: Bytes is 1, 2, 4, 8 or a multiple of 16, and p a multiple of it (at most 16). Constant: nothing writes there meanwhile.
  template <int Bytes, bool Constant> THUNDER_DEVICE static void load(std::uint32_t* w, const void* p) {
    if constexpr (Bytes >= 16) {
      THUNDER_UNROLL
      for (int i = 0; i < Bytes / 16; ++i) {
        const auto* q = static_cast<const char*>(p) + 16 * i;
        if constexpr (Constant)
          asm("ld.global.nc.L1::no_allocate.v4.u32 {%0,%1,%2,%3}, [%4];" : "=r"(w[4 * i]), "=r"(w[4 * i + 1]), "=r"(w[4 * i + 2]), "=r"(w[4 * i + 3]) : "l"(q));
        else
          asm volatile("ld.global.v4.u32 {%0,%1,%2,%3}, [%4];" : "=r"(w[4 * i]), "=r"(w[4 * i + 1]), "=r"(w[4 * i + 2]), "=r"(w[4 * i + 3]) : "l"(q) : "memory");
      }
    } else if constexpr (Bytes == 8) {
      const uint2 v = *static_cast<const uint2*>(p);
      w[0] = v.x, w[1] = v.y;
    } else if constexpr (Bytes == 4) w[0] = *static_cast<const std::uint32_t*>(p);
    else if constexpr (Bytes == 2) w[0] = *static_cast<const std::uint16_t*>(p);
    else w[0] = *static_cast<const std::uint8_t*>(p);
  }
  /// The same for what many blocks read: it may stay in the first-level cache.
  template <int Bytes> THUNDER_DEVICE static void load_cached(std::uint32_t* w, const void* p) {
    if constexpr (Bytes >= 16) {
      THUNDER_UNROLL
      for (int i = 0; i < Bytes / 16; ++i) {
        const uint4 v = __ldg(static_cast<const uint4*>(p) + i);
        w[4 * i] = v.x, w[4 * i + 1] = v.y, w[4 * i + 2] = v.z, w[4 * i + 3] = v.w;
      }
    } else load<Bytes, true>(w, p);
  }
  template <int Bytes> THUNDER_DEVICE static void store(void* p, const std::uint32_t* w) {
    if constexpr (Bytes >= 16) {
      THUNDER_UNROLL
      for (int i = 0; i < Bytes / 16; ++i) static_cast<uint4*>(p)[i] = uint4{w[4 * i], w[4 * i + 1], w[4 * i + 2], w[4 * i + 3]};
    } else if constexpr (Bytes == 8) *static_cast<uint2*>(p) = uint2{w[0], w[1]};
    else if constexpr (Bytes == 4) *static_cast<std::uint32_t*>(p) = w[0];
    else if constexpr (Bytes == 2) *static_cast<std::uint16_t*>(p) = static_cast<std::uint16_t>(w[0]);
    else *static_cast<std::uint8_t*>(p) = static_cast<std::uint8_t>(w[0]);
  }

  // ---- copies to shared memory that go on while the thread does: Bytes is 4, 8 or a multiple of 16
  template <int Bytes> THUNDER_DEVICE static void copy_async(char* to, const char* from) {
    const auto at = static_cast<std::uint32_t>(__cvta_generic_to_shared(to));
    if constexpr (Bytes >= 16) {
      THUNDER_UNROLL
      for (int i = 0; i < Bytes; i += 16) asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(at + i), "l"(from + i) : "memory");
    } else asm volatile("cp.async.ca.shared.global [%0], [%1], %2;" ::"r"(at), "l"(from), "n"(Bytes) : "memory");
  }
  /// Ends a group of copies.
  THUNDER_DEVICE static void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
  /// Waits until all but the last N groups of this thread are there.
  template <int N> THUNDER_DEVICE static void wait_copies() { asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory"); }
  template <int Bytes> THUNDER_DEVICE static void shared_read(std::uint32_t* w, const char* from) {
    if constexpr (Bytes >= 16) {
      THUNDER_UNROLL
      for (int i = 0; i < Bytes / 16; ++i) {
        const uint4 v = reinterpret_cast<const uint4*>(from)[i];
        w[4 * i] = v.x, w[4 * i + 1] = v.y, w[4 * i + 2] = v.z, w[4 * i + 3] = v.w;
      }
    } else if constexpr (Bytes == 8) {
      const uint2 v = *reinterpret_cast<const uint2*>(from);
      w[0] = v.x, w[1] = v.y;
    } else w[0] = *reinterpret_cast<const std::uint32_t*>(from);
  }

  // ---- words and numbers
  THUNDER_DEVICE static float as_float(std::uint32_t w) { return __uint_as_float(w); }
  THUNDER_DEVICE static std::uint32_t as_word(float x) { return __float_as_uint(x); }
  THUNDER_DEVICE static double as_double(std::uint32_t low, std::uint32_t high) { return __hiloint2double(static_cast<int>(high), static_cast<int>(low)); }
  THUNDER_DEVICE static std::uint64_t double_bits(double x) { return static_cast<std::uint64_t>(__double_as_longlong(x)); }

  // ---- 16-bit floats
  /// The upper (or lower) half of w as a bfloat16. `opaque` is a zero of which the compiler does not know: without it ptxas keeps the
  /// unpacked values of one pass over a row for the next, which doubles the row's registers. It costs nothing: unpacking is one PRMT.
  THUNDER_DEVICE static float unpack_bf16(std::uint32_t w, bool upper, std::uint32_t opaque) { return __uint_as_float(__byte_perm(w, opaque, upper ? 0x3244 : 0x1044)); }
  THUNDER_DEVICE static std::uint32_t pack_bf16(float low, float high) {
    std::uint32_t r;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
    return r;
  }
  THUNDER_DEVICE static float unpack_f16(std::uint32_t w, bool upper, std::uint32_t) {
    return __half2float(__ushort_as_half(static_cast<unsigned short>(upper ? w >> 16 : w & 0xffffu)));
  }
  THUNDER_DEVICE static std::uint32_t pack_f16(float low, float high) {
    return static_cast<std::uint32_t>(__half_as_ushort(__float2half_rn(low))) | static_cast<std::uint32_t>(__half_as_ushort(__float2half_rn(high))) << 16;
  }

  // ---- functions of float. Fast: to about 2^-11, for what is rounded to 16 bits; otherwise to 2 ulp.
  template <bool Fast> THUNDER_DEVICE static float exp(float x) {
    if constexpr (Fast) {  // 2^-22 + 2^-24 |x| of the result; below 2^-126 it is 0
      float y;
      asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x * 1.4426950408889634f));
      return y;
    } else return ::expf(x);
  }
  template <bool Fast> THUNDER_DEVICE static float tanh(float x) {
    if constexpr (Fast) {
      float y;
      asm("tanh.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
      return y;
    } else return ::tanhf(x);
  }
  THUNDER_DEVICE static float log(float x) { return ::logf(x); }  // (the fast one errs by much near 1)
  template <bool Fast> THUNDER_DEVICE static float divide(float a, float b) {
    if constexpr (Fast) {
      float y;
      asm("div.full.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b));  // to 2 ulp, for all sizes
      return y;
    } else return a / b;
  }
  template <bool Fast> THUNDER_DEVICE static float rsqrt(float x) { return ::rsqrtf(x); }
  THUNDER_DEVICE static float sqrt(float x) { return ::sqrtf(x); }
  THUNDER_DEVICE static float erf(float x) { return ::erff(x); }
  THUNDER_DEVICE static float expm1(float x) { return ::expm1f(x); }
  THUNDER_DEVICE static float log1p(float x) { return ::log1pf(x); }
  THUNDER_DEVICE static float sin(float x) { return ::sinf(x); }
  THUNDER_DEVICE static float cos(float x) { return ::cosf(x); }
  THUNDER_DEVICE static float pow(float a, float b) { return ::powf(a, b); }
  THUNDER_DEVICE static float floor(float x) { return ::floorf(x); }
  THUNDER_DEVICE static float ceil(float x) { return ::ceilf(x); }
  THUNDER_DEVICE static float trunc(float x) { return ::truncf(x); }
  THUNDER_DEVICE static float round(float x) { return ::rintf(x); }
  THUNDER_DEVICE static float abs(float x) { return ::fabsf(x); }
  THUNDER_DEVICE static float maximum(float a, float b) {  // NaN if either is
    float y;
    asm("max.NaN.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b));
    return y;
  }
  THUNDER_DEVICE static float minimum(float a, float b) {
    float y;
    asm("min.NaN.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b));
    return y;
  }
};

}  // namespace thunder::cuda
#endif
