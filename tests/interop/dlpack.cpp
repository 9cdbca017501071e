#include "../files.hpp"

#include <cstddef>
#include <thunder/interop/dlpack.hpp>
#include <vector>
#if __has_include(<dlpack/dlpack.h>)
#include <dlpack/dlpack.h>
#define HAS_DLPACK_H 1
#endif

using namespace thunder;

// The ABI: where each member is, in DLPack 1.0.
static_assert(sizeof(dlpack::tensor) == 48 && offsetof(dlpack::tensor, device) == 8 && offsetof(dlpack::tensor, ndim) == 16 &&
              offsetof(dlpack::tensor, dtype) == 20 && offsetof(dlpack::tensor, shape) == 24 &&
              offsetof(dlpack::tensor, strides) == 32 && offsetof(dlpack::tensor, byte_offset) == 40);
static_assert(sizeof(dlpack::managed_tensor) == 64 && offsetof(dlpack::managed_tensor, manager_ctx) == 48 &&
              offsetof(dlpack::managed_tensor, deleter) == 56);
static_assert(sizeof(dlpack::managed_tensor_versioned) == 80 && offsetof(dlpack::managed_tensor_versioned, manager_ctx) == 8 &&
              offsetof(dlpack::managed_tensor_versioned, deleter) == 16 &&
              offsetof(dlpack::managed_tensor_versioned, flags) == 24 &&
              offsetof(dlpack::managed_tensor_versioned, dl_tensor) == 32);
#ifdef HAS_DLPACK_H
static_assert(sizeof(DLTensor) == sizeof(dlpack::tensor) && offsetof(DLTensor, device) == offsetof(dlpack::tensor, device) &&
              offsetof(DLTensor, ndim) == offsetof(dlpack::tensor, ndim) &&
              offsetof(DLTensor, dtype) == offsetof(dlpack::tensor, dtype) &&
              offsetof(DLTensor, shape) == offsetof(dlpack::tensor, shape) &&
              offsetof(DLTensor, strides) == offsetof(dlpack::tensor, strides) &&
              offsetof(DLTensor, byte_offset) == offsetof(dlpack::tensor, byte_offset));
static_assert(sizeof(DLManagedTensor) == sizeof(dlpack::managed_tensor) &&
              offsetof(DLManagedTensor, deleter) == offsetof(dlpack::managed_tensor, deleter));
static_assert(kDLCPU == 1 && kDLCUDA == 2 && kDLInt == 0 && kDLFloat == 2 && kDLBfloat == 4);
static_assert(dlpack_managed<DLManagedTensor> && dlpack_tensor<DLTensor>);
#endif

namespace {

constexpr auto B = dim("batch");

/// As C headers declare it, with enums: a struct that is not thunder's.
namespace other {
enum DeviceType { cpu = 1, cuda = 2, vulkan = 7, managed = 13 };
struct Device {
  DeviceType device_type;
  int device_id;
};
struct Tensor {
  void* data;
  Device device;
  int ndim;
  dlpack::data_type dtype;
  std::int64_t* shape;
  std::int64_t* strides;
  std::uint64_t byte_offset;
};
struct Managed {
  Tensor dl_tensor;
  void* manager_ctx;
  void (*deleter)(Managed*);
};
}  // namespace other
static_assert(dlpack_managed<other::Managed> && !dlpack_versioned<other::Managed> &&
              dlpack_versioned<dlpack::managed_tensor_versioned>);

/// A library that hands out a tensor and counts how often it gets it back.
template <class M = dlpack::managed_tensor_versioned>
struct producer {
  M managed{};
  std::vector<std::int64_t> shape, strides;
  int deleted = 0;

  producer(dlpack::data_type type, std::vector<std::int64_t> s, void* data, std::vector<std::int64_t> st = {})
      : shape(s), strides(st) {
    auto& t = managed.dl_tensor;
    t.data = data;
    t.device.device_type = static_cast<decltype(t.device.device_type)>(1);
    t.device.device_id = 0;
    t.ndim = static_cast<int>(shape.size());
    t.dtype = type;
    t.shape = shape.data(), t.strides = strides.empty() ? nullptr : strides.data();
    managed.manager_ctx = this;
    managed.deleter = [](M* m) { ++static_cast<producer*>(m->manager_ctx)->deleted; };
    if constexpr (dlpack_versioned<M>) managed.version.major = 1;
  }
  producer(const producer&) = delete;
};
constexpr dlpack::data_type f32{2, 32, 1};

/// Memory of the CPU that plays a CUDA device.
int waits = 0;
const device_runtime pretended{[](std::size_t n) {
                                 return storage(::operator new(n), n, device::cuda,
                                                [](void* p, std::size_t, void*) noexcept { ::operator delete(p); });
                               },
                               [](void* to, const void* from, std::size_t n) { std::memcpy(to, from, n); }, []() noexcept { ++waits; }};
struct with_cuda {
  with_cuda() { cuda_runtime = &pretended; }
  ~with_cuda() { cuda_runtime = nullptr; }
};

}  // namespace

TEST_CASE_TEMPLATE("a tensor given away", M, dlpack::managed_tensor_versioned, dlpack::managed_tensor, other::Managed) {
  static int released;
  released = 0;
  float elements[6]{1, 2, 3, 4, 5, 6};
  tensor<float, B, 3> x(storage(elements, sizeof elements, device::cpu, [](void*, std::size_t, void*) noexcept { ++released; }),
                        sizes({{B, 2}}));
  M* m = to_dlpack<M>(std::move(x));
  const auto& t = m->dl_tensor;
  CHECK(t.data == elements);
  CHECK(static_cast<int>(t.device.device_type) == 1);
  CHECK(t.device.device_id == 0);
  CHECK(t.ndim == 2);
  CHECK((t.dtype.code == 2 && t.dtype.bits == 32 && t.dtype.lanes == 1));
  CHECK((t.shape[0] == 2 && t.shape[1] == 3 && t.strides[0] == 3 && t.strides[1] == 1));
  CHECK(t.byte_offset == 0);
  if constexpr (dlpack_versioned<M>) CHECK((m->version.major == 1 && m->flags == 0));
  CHECK(released == 0);
  m->deleter(m);
  CHECK(released == 1);
}

TEST_CASE("there and back is the same memory") {
  tensor<bf16, 2, 2> x{1, 2, 3, 4};
  const void* memory = x.data();
  any_tensor y = from_dlpack(to_dlpack(std::move(x)));
  CHECK(y.data() == memory);
  y = from_dlpack(to_dlpack<dlpack::managed_tensor>(std::move(y)));
  CHECK(y.data() == memory);
  CHECK(std::move(y).take<bf16, B, 2>() == tensor<bf16, B, 2>::from({1, 2, 3, 4}, 2));
  CHECK(from_dlpack(to_dlpack(tensor<double>(0.5))).as<double>().item() == 0.5);
  CHECK(from_dlpack(to_dlpack(tensor<std::int32_t, 0, 3>())).as<std::int32_t, 0, 3>().empty());
}

TEST_CASE("element types") {
  const auto code = [](const auto& x) {
    auto* m = lend_dlpack(x);
    const int r = 1000 * m->dl_tensor.dtype.code + m->dl_tensor.dtype.bits;
    CHECK(from_dlpack(m) == any_tensor(x.copy()));
    return r;
  };
  CHECK(code(tensor<bool, 2>{true, false}) == 6008);
  CHECK(code(tensor<std::int32_t, 2>{1, 2}) == 32);
  CHECK(code(tensor<std::int64_t, 2>{1, 2}) == 64);
  CHECK(code(tensor<f16, 2>{1, 2}) == 2016);
  CHECK(code(tensor<bf16, 2>{1, 2}) == 4016);
  CHECK(code(tensor<float, 2>{1, 2}) == 2032);
  CHECK(code(tensor<double, 2>{1, 2}) == 2064);
}

TEST_CASE_TEMPLATE("a tensor taken over", M, dlpack::managed_tensor_versioned, dlpack::managed_tensor, other::Managed) {
  float elements[8]{0, 0, 1, 2, 3, 4, 5, 6};
  producer<M> p(f32, {2, 3}, elements);
  p.managed.dl_tensor.byte_offset = 8;
  {
    tensor<float, 2, 3> x = from_dlpack(&p.managed).template take<float, 2, 3>();
    CHECK(x.data() == elements + 2);
    x(1, 2) = 60;
    CHECK(p.deleted == 0);
  }
  CHECK(p.deleted == 1);
  CHECK(elements[7] == 60);
  producer<M> dense(f32, {2, 1, 3}, elements + 2, {3, 99, 1});  // the stride of an extent of 1 says nothing
  CHECK(from_dlpack(&dense.managed).data() == elements + 2);
  CHECK(dense.deleted == 1);
  producer<M> none(f32, {2, 0}, nullptr, {1, 1});
  CHECK(from_dlpack(&none.managed).printed() == "float[2, 0]");
  CHECK(none.deleted == 1);
  producer<M> kept(f32, {2}, elements);
  kept.managed.deleter = nullptr;  // there is nothing to give back
  CHECK(from_dlpack(&kept.managed).data() == elements);
}

TEST_CASE("what cannot be adopted is copied and given back at once") {
  alignas(4) char odd[16]{};
  float elements[6]{1, 2, 3, 4, 5, 6};
  producer<> turned(f32, {3, 2}, elements, {1, 3});
  CHECK(from_dlpack(&turned.managed).take<float, 3, 2>() == tensor<float, 3, 2>{1, 4, 2, 5, 3, 6});
  CHECK(turned.deleted == 1);
  producer<> backwards(f32, {3}, elements + 5, {-2});
  CHECK(from_dlpack(&backwards.managed).take<float, 3>() == tensor<float, 3>{6, 4, 2});
  producer<> repeated(f32, {2, 3}, elements, {0, 1});
  CHECK(from_dlpack(&repeated.managed).take<float, 2, 3>() == tensor<float, 2, 3>{1, 2, 3, 1, 2, 3});
  producer<> constant(f32, {6}, elements);
  constant.managed.flags = dlpack::read_only;
  const any_tensor c = from_dlpack(&constant.managed);
  CHECK(c.data() != elements);
  CHECK(c.as<float, 6>()(5) == 6);
  CHECK(constant.deleted == 1);
  std::memcpy(odd + 1, elements, 8);
  producer<> shifted(f32, {2}, odd + 1);
  CHECK(from_dlpack(&shifted.managed).take<float, 2>() == tensor<float, 2>{1, 2});
  CHECK(shifted.deleted == 1);
}

TEST_CASE("what thunder cannot hold is one sentence, and is given back once") {
  float elements[6]{1, 2, 3, 4, 5, 6};
  const auto refused = [&]<class Error>(auto change, Error*) {
    producer<> p(f32, {2, 3}, elements);
    change(p.managed);
    const std::string m = message<Error>([&] { from_dlpack(&p.managed); });
    CHECK(p.deleted == 1);
    return m;
  };
  shape_error* shape = nullptr;
  state_error* state = nullptr;
  device_error* device = nullptr;
  using M = dlpack::managed_tensor_versioned;
  CHECK(refused(
            [](M& m) {
              m.dl_tensor.dtype = {5, 64, 1};
            },
            state) == "dlpack: the tensor has the element type with code 5, 64 bits and 1 lanes, which thunder does not have");
  CHECK(refused([](M& m) { m.dl_tensor.dtype.lanes = 4; }, state).ends_with("4 lanes, which thunder does not have"));
  CHECK(refused([](M& m) { m.version.major = 2; }, state) ==
        "dlpack: the tensor has version 2 of DLPack, and thunder knows version 1");
  CHECK(refused([](M& m) { m.dl_tensor.device.device_type = 7; }, device) ==
        "dlpack: the tensor is on a device of kind 7, and thunder knows the CPU (1, 3) and CUDA (2, 13)");
  CHECK(refused([](M& m) { m.dl_tensor.device = {2, 3}; }, device) == "dlpack: the tensor is on CUDA device 3, not on 0");
  CHECK(refused([](M& m) { m.dl_tensor.ndim = 7; }, shape) == "dlpack: a tensor has at most six dimensions, not 7");
  CHECK(refused([](M& m) { m.dl_tensor.ndim = -1; }, shape) == "dlpack: a tensor has at most six dimensions, not -1");
  CHECK(refused([](M& m) { m.dl_tensor.shape = nullptr; }, shape) == "dlpack: the tensor has no shape");
  CHECK(refused([](M& m) { m.dl_tensor.shape[0] = -2; }, shape) == "dlpack: a tensor cannot have the extents float[-2, 3]");
  CHECK(
      refused([](M& m) { m.dl_tensor.shape[0] = INT64_MAX / 2; }, shape).starts_with("dlpack: a tensor cannot have the extents"));
  CHECK(refused([](M& m) { m.dl_tensor.data = nullptr; }, shape) == "dlpack: the tensor float[2, 3] has no data");
  CHECK(refused(
            [](M& m) {
              m.dl_tensor.dtype = {6, 8, 1};
            },
            state) == "dlpack: the tensor bool[2, 3] has a byte that is not a bool (0 or 1)");
  // When the copy finds no memory, here as the program has no CUDA.
  CHECK(refused(
            [](M& m) {
              m.dl_tensor.device = {2, 0}, m.flags = dlpack::read_only;
            },
            device)
            .starts_with("there is no CUDA in this program"));
  CHECK(message<state_error>([] { from_dlpack(static_cast<dlpack::managed_tensor*>(nullptr)); }) == "dlpack: there is no tensor");
}

TEST_CASE("views") {
  float elements[6]{1, 2, 3, 4, 5, 6};
  producer<> p(f32, {2, 3}, elements);
  tensor_view<float, B, 3> x = view_dlpack<float, B, 3>(p.managed);
  x(1, 0) = 40;
  CHECK(elements[3] == 40);
  CHECK(x.extent_of<B>() == 2);
  CHECK(view_dlpack<const float, 2, 3>(p.managed.dl_tensor).data() == elements);
  CHECK(message<shape_error>([&] { view_dlpack<float, 3, 2>(p.managed); }) == "the tensor is float[2, 3], not float[3, 2]");
  CHECK(message<state_error>([&] { view_dlpack<double, 2, 3>(p.managed); }) == "the tensor is float[2, 3], not double[2, 3]");
  p.managed.flags = dlpack::read_only;
  CHECK(view_dlpack<const float, 2, 3>(p.managed)(0, 1) == 2);
  CHECK(message<state_error>([&] { view_dlpack<float, 2, 3>(p.managed); }) ==
        "dlpack: the tensor is read-only: view it as const");
  producer<> turned(f32, {3, 2}, elements, {1, 3});
  CHECK(message<shape_error>([&] { view_dlpack<const float, 3, 2>(turned.managed); }) ==
        "dlpack: the tensor float[3, 2] is not row-major and aligned, as a view is");
  CHECK(p.deleted + turned.deleted == 0);
}

TEST_CASE("lent") {
  tensor<float, 2, 2> x{1, 2, 3, 4};
  auto* m = lend_dlpack(x);
  CHECK(m->flags == 0);
  static_cast<float*>(m->dl_tensor.data)[3] = 40;
  m->deleter(m);
  CHECK(x(1, 1) == 40);
  auto* row = lend_dlpack<dlpack::managed_tensor>(x[1]);
  CHECK((row->dl_tensor.data == x.data() + 2 && row->dl_tensor.ndim == 1));
  row->deleter(row);
  auto* constant = lend_dlpack(std::as_const(x));
  CHECK(constant->flags == dlpack::read_only);
  constant->deleter(constant);
  any_tensor any(x.copy());
  auto* n = lend_dlpack<other::Managed>(any);
  CHECK(n->dl_tensor.data == any.data());
  n->deleter(n);
}

TEST_CASE("memory of a CUDA device") {
  const with_cuda cuda;
  float elements[6]{1, 2, 3, 4, 5, 6};
  auto* m = to_dlpack<other::Managed>(tensor<float, 2>{1, 2}.to(device::cuda), 1);
  CHECK((m->dl_tensor.device.device_type == other::cuda && m->dl_tensor.device.device_id == 1));
  {
    const any_tensor back = from_dlpack(m, 1);
    CHECK(back.where() == device::cuda);
    CHECK(back.to(device::cpu).as<float, 2>()(1) == 2);
    waits = 0;
  }
  CHECK(waits == 2);  // nothing of thunder, and nothing of the other library, may use the memory any more

  producer<> managed(f32, {6}, elements), turned(f32, {3, 2}, elements, {1, 3}), constant(f32, {6}, elements);
  managed.managed.dl_tensor.device = {13, 0};
  const any_tensor x = from_dlpack(&managed.managed);
  CHECK((x.where() == device::cuda && x.data() == elements));
  turned.managed.dl_tensor.device = {2, 0};
  CHECK(message<shape_error>([&] { from_dlpack(&turned.managed); }) ==
        "dlpack: the tensor float[3, 2] on the cuda device is not row-major: make it contiguous first");
  constant.managed.dl_tensor.device = {2, 0}, constant.managed.flags = dlpack::read_only;
  const any_tensor y = from_dlpack(&constant.managed);
  CHECK((y.where() == device::cuda && y.data() != elements));
  CHECK(y.to(device::cpu).as<float, 6>()(5) == 6);
  CHECK((turned.deleted == 1 && constant.deleted == 1));
  CHECK(view_dlpack<const float, 6>(managed.managed).where() == device::cuda);
  waits = 0;
  { const any_tensor on_cpu = from_dlpack(to_dlpack<other::Managed>(tensor<float, 2>{1, 2})); }
  CHECK(waits == 0);
}
