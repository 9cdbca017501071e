#pragma once
/// DLPack, the C structs by which libraries (PyTorch, JAX, NumPy, CuPy, TVM) hand tensors to each other without a copy:
/// https://dmlc.github.io/dlpack. Version 1 and the older unversioned form, both ways.
///
/// The functions are templates over the struct: they take the DLManagedTensor and DLManagedTensorVersioned of whatever dlpack.h a
/// program includes, and a program without one uses the structs below, which have the same layout. So this header includes none,
/// which keeps a program's types from depending on what is installed (Debian 12's dlpack.h has no versioned form).
#include <memory>

#include "../runtime/any_tensor.hpp"
#include "strided.hpp"

namespace thunder {

namespace dlpack {

struct device_reference {
  std::int32_t device_type, device_id;  // 1: CPU, 2: CUDA, 3: pinned CPU memory, 13: CUDA managed memory
};
struct data_type {
  std::uint8_t code, bits;  // code 0: signed integer, 2: floating point, 4: bfloat16, 6: bool
  std::uint16_t lanes;
};
/// DLTensor.
struct tensor {
  void* data;
  device_reference device;
  std::int32_t ndim;
  data_type dtype;
  std::int64_t* shape;
  std::int64_t* strides;  // in elements; null: row-major
  std::uint64_t byte_offset;
};
/// DLManagedTensor, in a Python capsule "dltensor".
struct managed_tensor {
  tensor dl_tensor;
  void* manager_ctx;
  void (*deleter)(managed_tensor*);  // may be null
};
struct version_number {
  std::uint32_t major, minor;
};
/// DLManagedTensorVersioned, in a Python capsule "dltensor_versioned".
struct managed_tensor_versioned {
  version_number version;
  void* manager_ctx;
  void (*deleter)(managed_tensor_versioned*);
  std::uint64_t flags;
  tensor dl_tensor;
};
inline constexpr std::uint64_t read_only = 1;  // a bit of flags

/// An element type as DLPack has it.
constexpr data_type type_of(dtype t) {
  constexpr std::uint8_t codes[]{6, 0, 0, 2, 4, 2, 2};
  return {codes[static_cast<int>(t)], static_cast<std::uint8_t>(8 * size_of(t)), 1};
}

}  // namespace dlpack

/// A DLTensor of some dlpack.h.
template <class X>
concept dlpack_tensor = requires(const X& x) {
  x.data, x.device.device_type, x.device.device_id, x.ndim, x.dtype.lanes, x.shape[0], x.strides[0], x.byte_offset;
};
/// A DLManagedTensor or DLManagedTensorVersioned of some dlpack.h.
template <class M>
concept dlpack_managed = requires(M& m) {
  m.manager_ctx;
  m.deleter(&m);
  requires dlpack_tensor<decltype(m.dl_tensor)>;
};
template <class M>
concept dlpack_versioned = dlpack_managed<M> && requires(M& m) { m.version.major, m.flags; };

/// A DLTensor that was checked: what a tensor of thunder would be.
struct dlpack_contents {
  dtype type = dtype::f32;
  int rank = 0;
  std::int64_t extents[max_rank]{}, strides[max_rank]{};  // strides in elements
  device where = device::cpu;
  char* data = nullptr;
  std::size_t bytes = 0;
  bool row_major = true, aligned = true;

  std::span<const std::int64_t> shape() const { return {extents, static_cast<std::size_t>(rank)}; }
  std::string printed() const { return printed_shape(type, extents, rank); }
};

/// Throws state_error, shape_error or device_error for what a tensor cannot be.
template <dlpack_tensor X>
dlpack_contents read_dlpack(const X& x, int device_id) {
  dlpack_contents r;
  const dlpack::data_type given{static_cast<std::uint8_t>(x.dtype.code), static_cast<std::uint8_t>(x.dtype.bits),
                                static_cast<std::uint16_t>(x.dtype.lanes)};
  bool known = false;
  for (int i = 0; i < dtype_count; ++i) {
    const auto t = static_cast<dtype>(i);
    const auto d = dlpack::type_of(t);
    if (d.code == given.code && d.bits == given.bits && d.lanes == given.lanes) r.type = t, known = true;
  }
  if (!known)
    throw state_error("dlpack: the tensor has the element type with code " + std::to_string(given.code) + ", " +
                      std::to_string(given.bits) + " bits and " + std::to_string(given.lanes) +
                      " lanes, which thunder does not have");
  const int kind = static_cast<int>(x.device.device_type);
  if (kind != 1 && kind != 2 && kind != 3 && kind != 13)
    throw device_error("dlpack: the tensor is on a device of kind " + std::to_string(kind) +
                       ", and thunder knows the CPU (1, 3) and CUDA (2, 13)");
  r.where = kind == 1 || kind == 3 ? device::cpu : device::cuda;
  if (kind == 2 && x.device.device_id != device_id)
    throw device_error("dlpack: the tensor is on CUDA device " + std::to_string(x.device.device_id) + ", not on " +
                       std::to_string(device_id));
  if (x.ndim < 0 || x.ndim > max_rank)
    throw shape_error("dlpack: a tensor has at most six dimensions, not " + std::to_string(x.ndim));
  r.rank = static_cast<int>(x.ndim);
  if (r.rank > 0 && !x.shape) throw shape_error("dlpack: the tensor has no shape");
  for (int i = 0; i < r.rank; ++i) r.extents[i] = x.shape[i];
  const auto count = checked_count(r.extents, r.rank);
  if (count < 0) throw shape_error("dlpack: a tensor cannot have the extents " + r.printed());
  r.bytes = static_cast<std::size_t>(count) * static_cast<std::size_t>(size_of(r.type));
  if (r.bytes && !x.data) throw shape_error("dlpack: the tensor " + r.printed() + " has no data");
  if (x.data) r.data = static_cast<char*>(x.data) + x.byte_offset;
  r.aligned = reinterpret_cast<std::uintptr_t>(r.data) % static_cast<std::uintptr_t>(size_of(r.type)) == 0;
  std::int64_t dense = 1;
  for (int i = r.rank; i-- > 0;) {
    r.strides[i] = x.strides ? x.strides[i] : dense;
    if (count) dense *= r.extents[i];
  }
  r.row_major = is_row_major(r.shape(), {r.strides, r.shape().size()});
  return r;
}

/// Calls the deleter of what another library handed over.
struct dlpack_deleter {
  template <class M>
  void operator()(M* m) const {
    if (m->deleter) m->deleter(m);
  }
};

/// Takes over a tensor of another library: its deleter is called exactly once, when the result's memory is released, or here if
/// this throws. Row-major elements are adopted without a copy. Others, and those that may only be read, are copied, on the same
/// device. A tensor on a GPU must be on CUDA device `device_id`, the one that is current; the other library's work on it must be
/// done or ordered before. (The other way round nothing needs to be done: the deleter of memory on a GPU is called when the device is idle,
/// so the other library may use it again at once, on any stream.) Throws state_error (an element type that thunder has not), shape_error, or device_error.
///
///     tensor<float, B, 784> x = from_dlpack(managed).take<float, B, 784>();
template <dlpack_managed M>
any_tensor from_dlpack(M* managed, int device_id = 0) {
  if (!managed) throw state_error("dlpack: there is no tensor");
  std::unique_ptr<M, dlpack_deleter> owner(managed);
  bool may_write = true;
  if constexpr (dlpack_versioned<M>) {
    if (managed->version.major != 1)  // nothing else of it may be looked at
      throw state_error("dlpack: the tensor has version " + std::to_string(managed->version.major) +
                        " of DLPack, and thunder knows version 1");
    may_write = !(managed->flags & dlpack::read_only);
  }
  const dlpack_contents x = read_dlpack(managed->dl_tensor, device_id);
  if (x.bytes == 0) return any_tensor(x.type, x.shape(), storage(nullptr, 0, x.where, nullptr));
  const auto check_bools = [](const dlpack_contents& c, const void* data) {
    if (c.type == dtype::b8 && c.where == device::cpu && !valid_bools(data, c.bytes))
      throw state_error("dlpack: the tensor " + c.printed() + " has a byte that is not a bool (0 or 1)");
  };
  if (x.row_major && x.aligned && may_write) {
    check_bools(x, x.data);
    storage adopted(
        x.data, x.bytes, x.where,
        [](void*, std::size_t, void* m) noexcept {
          M* const managed = static_cast<M*>(m);
          const int kind = static_cast<int>(managed->dl_tensor.device.device_type);
          if (kind == 2 || kind == 13) wait_for(device::cuda);
          dlpack_deleter()(managed);
        },
        owner.release());
    return any_tensor(x.type, x.shape(), std::move(adopted));
  }
  if (!x.row_major && x.where != device::cpu)
    throw shape_error("dlpack: the tensor " + x.printed() + " on the cuda device is not row-major: make it contiguous first");
  any_tensor r(x.type, x.shape(), x.where);
  if (x.row_major)
    copy_bytes(r.data(), x.where, x.data, x.where, x.bytes);
  else
    copy_strided(r.data(), x.data, x.shape(), {x.strides, x.shape().size()}, static_cast<std::size_t>(size_of(x.type)));
  check_bools(x, r.data());
  return r;
}

/// A view of another library's tensor, which keeps its memory: of a DLTensor, or of a managed one, whose deleter is not called.
/// Throws shape_error if the elements are not row-major and aligned or the extents do not fit, state_error if the element type
/// differs or T is not const and the tensor is read-only.
///
///     tensor_view<const float, B, 784> x = view_dlpack<const float, B, 784>(*managed);
template <class T, auto... D, class X>
  requires(dlpack_managed<X> || dlpack_tensor<X>)
tensor_view<T, D...> view_dlpack(const X& x, int device_id = 0) {
  if constexpr (dlpack_managed<X>) {
    if constexpr (dlpack_versioned<X>) {
      if (x.version.major != 1)
        throw state_error("dlpack: the tensor has version " + std::to_string(x.version.major) +
                          " of DLPack, and thunder knows version 1");
      if (!std::is_const_v<T> && (x.flags & dlpack::read_only))
        throw state_error("dlpack: the tensor is read-only: view it as const");
    }
    return view_dlpack<T, D...>(x.dl_tensor, device_id);
  } else {
    const dlpack_contents c = read_dlpack(x, device_id);
    if (!c.row_major || !c.aligned)
      throw shape_error("dlpack: the tensor " + c.printed() + " is not row-major and aligned, as a view is");
    any_tensor borrowed(c.type, c.shape(), storage(c.data, c.bytes, c.where, nullptr));
    if constexpr (std::is_const_v<T>)
      return std::as_const(borrowed).template as<std::remove_const_t<T>, D...>();
    else
      return borrowed.template as<T, D...>();
  }
}

/// What stands behind a tensor that was handed out.
template <class M>
struct dlpack_export {
  M managed{};
  storage memory;
  std::int64_t extents[max_rank]{}, strides[max_rank]{};

  dlpack_export(dtype type, std::span<const std::int64_t> shape, const void* data, device where, int device_id) {
    auto& x = managed.dl_tensor;
    std::int64_t dense = 1;
    for (auto i = shape.size(); i-- > 0;) extents[i] = shape[i], strides[i] = dense, dense *= shape[i];
    x.data = dense ? const_cast<void*>(data) : nullptr;  // as DLPack asks for tensors without elements
    x.device.device_type = static_cast<decltype(x.device.device_type)>(where == device::cpu ? 1 : 2);
    x.device.device_id = where == device::cpu ? 0 : device_id;
    x.ndim = static_cast<int>(shape.size());
    const auto t = dlpack::type_of(type);
    x.dtype.code = t.code, x.dtype.bits = t.bits, x.dtype.lanes = t.lanes;
    x.shape = extents, x.strides = strides, x.byte_offset = 0;
    managed.manager_ctx = this;
    managed.deleter = [](M* m) {
      auto* const e = static_cast<dlpack_export*>(m->manager_ctx);
      if (e->memory.bytes()) wait_for(e->memory.where());  // the other library's streams may still use it
      delete e;
    };
    if constexpr (dlpack_versioned<M>) managed.version.major = 1, managed.version.minor = 0, managed.flags = 0;
  }
};

/// Gives a tensor to another library, without a copy: the memory is released when that calls the deleter. A tensor on a GPU is
/// said to be on CUDA device `device_id`; wait for the programs that write it first (thunder::cuda::synchronize()).
///
///     DLManagedTensorVersioned* m = to_dlpack<DLManagedTensorVersioned>(std::move(x));
template <dlpack_managed M = dlpack::managed_tensor_versioned>
M* to_dlpack(any_tensor&& x, int device_id = 0) {
  auto e = std::make_unique<dlpack_export<M>>(x.dtype(), x.extents(), x.data(), x.where(), device_id);
  e->memory = std::move(x).release();
  return &e.release()->managed;
}
template <dlpack_managed M = dlpack::managed_tensor_versioned, class T, class Shape>
M* to_dlpack(basic_tensor<T, Shape>&& x, int device_id = 0) {
  auto e = std::make_unique<dlpack_export<M>>(dtype_of<T>, x.extents(), x.data(), x.where(), device_id);
  e->memory = std::move(x).release();
  return &e.release()->managed;
}

/// Lends a tensor or view to another library: the caller keeps the memory, until the other library has called the deleter. What
/// is const is lent read-only, which the older struct cannot say: that does not compile.
template <dlpack_managed M = dlpack::managed_tensor_versioned, class X>
  requires(tensor_like<X> || std::is_same_v<std::remove_cvref_t<X>, any_tensor>)
M* lend_dlpack(X&& x, int device_id = 0) {
  static_assert(std::is_lvalue_reference_v<X> || std::is_trivially_copyable_v<std::remove_cvref_t<X>>,
                "lend_dlpack: the elements of a temporary tensor would be gone: give it away with to_dlpack");
  constexpr bool is_const = std::is_const_v<std::remove_pointer_t<decltype(x.data())>>;
  static_assert(!is_const || dlpack_versioned<M>,
                "a const tensor is lent read-only, which only DLManagedTensorVersioned can say");
  const auto extents = x.extents();
  const dtype type = [&] {
    if constexpr (tensor_like<X>)
      return std::remove_cvref_t<X>::dtype;
    else
      return x.dtype();
  }();
  auto e = std::make_unique<dlpack_export<M>>(type, extents, x.data(), x.where(), device_id);
  if constexpr (is_const && dlpack_versioned<M>) e->managed.flags = dlpack::read_only;
  return &e.release()->managed;
}

}  // namespace thunder
