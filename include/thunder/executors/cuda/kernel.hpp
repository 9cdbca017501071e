#pragma once
/// The text of the kernels: one struct for a region, instantiated for the GPU (machine.hpp) and for the emulated machine
/// (emulation.hpp).
#include <bit>
#include <utility>

#include "packet.hpp"
#include "shape.hpp"

namespace thunder::cuda {

/// What a kernel is launched with. `opaque` is zero.
template <int Inputs, int Outputs, int Dims> struct kernel_arguments {
  const void* in[Inputs + 1];
  void* out[Outputs];
  std::int64_t extents[Dims];  // of the plan's dimensions
  std::int64_t rows;           // the product of all but the last
  char* partial;               // of column reductions: a row for each block
  int splits;                  // persistent: blocks that share the rows of one result
  std::uint32_t opaque;
};

template <int I, class V> struct slot { V value; };
template <int I, class V> THUNDER_DEVICE V& get(slot<I, V>& s) { return s.value; }
template <int I, class V> THUNDER_DEVICE const V& get(const slot<I, V>& s) { return s.value; }

template <class Region, class Machine, int Part = 0> struct kernel_text {
  using M = Machine;
  using traits = region_traits<Region>;
  static constexpr int values = traits::values, inputs = traits::inputs, outputs = traits::outputs;
  static constexpr auto plan = [] {
    auto p = plan_of_part<Region, Part>();
    find_needs_of_part(p);
    return p;
  }();
  static constexpr int dims = plan.dims;
  static constexpr unsigned all_outer = plan.row - 1;
  /// The extent of dimension d if it is static, otherwise -1.
  static constexpr std::int64_t static_extent(int d) {
    std::int64_t n = 1;
    for (int k = 0; k < traits::dims; ++k)
      if (plan.group[k] == d) n = n < 0 || traits::extent[k] < 0 ? -1 : n * traits::extent[k];
    return n;
  }
  static constexpr std::int64_t row_length = static_extent(dims - 1);
  static constexpr bool one_row = traits::plan.dims == 1;
  static constexpr kernel_shape shape = choose_shape(plan, row_length, one_row);
  static constexpr int V = shape.vector;
  /// The outer dimensions that this part's column reductions keep.
  static constexpr unsigned kept = [] {
    unsigned k = 0;
    for (int v = 0; v < values; ++v)
      if (plan.is_column(v)) k = kept_mask(plan, v);
    return k;
  }();
  using arguments = kernel_arguments<inputs, outputs, dims>;

  /// Whether a value reaches no output of more than 8 bits of mantissa: then its functions need no more than 11.
  struct value_flags { bool at[values]{}; };
  static constexpr value_flags coarse = [] {
    value_flags fine, r;
    for (const auto& o : plan.output)
      if (o.value >= 0 && o.type != dtype::bf16) fine.at[o.value] = true;
    for (int v = values; v-- > 0;)
      for (int k = 0; fine.at[v] && k < plan.value[v].operands; ++k) fine.at[plan.value[v].operand[k]] = true;
    for (int v = 0; v < values; ++v) r.at[v] = !fine.at[v];
    return r;
  }();
  template <int I> using number = computed<M, plan.value[I].type, coarse.at[I]>;
  template <int I> using op_of = typename traits::template statement<I>::op;

  // ---- lists of values and outputs
  enum class what { row_input, column_input, held_from, held, work, reduced, column_vector, column_scalar, column_of_rows, stored, stored_by_row };
  static constexpr bool is_column_input(int v) { return v < inputs && dims > 1 && plan.is_element(v) && plan.value[v].mask == plan.row; }
  static constexpr bool used(int v) {
    for (int q = 0; q < plan.passes; ++q)
      if (plan.need[q][v]) return true;
    return false;
  }
  static constexpr bool belongs(what w, int pass, int k) {
    if (w >= what::stored) {
      const output_facts& o = plan.output[k];
      if (o.value < 0 || plan.is_column(o.value)) return false;
      if (w == what::stored_by_row) return !(o.mask & plan.row);
      return (o.mask & plan.row) && plan.ready[o.value] == pass;
    }
    switch (w) {
      case what::row_input: return k < inputs && plan.is_element(k) && used(k) && !is_column_input(k);
      case what::column_input: return is_column_input(k) && (pass < 0 ? used(k) : plan.need[pass][k]);
      case what::held: return plan.is_held(k);
      case what::held_from: return plan.is_held(k) && !plan.is_reduction(k) && plan.ready[k] == pass;
      case what::work: return plan.need[pass][k] || (plan.accumulates(pass, k) && (plan.along_row(k) || (plan.value[k].mask & plan.row)));
      case what::reduced: return plan.along_row(k) && !plan.is_column(k) && plan.accumulates(pass, k);
      case what::column_vector: return plan.is_column(k) && (plan.value[k].mask & plan.row);
      case what::column_scalar: return plan.is_column(k) && !(plan.value[k].mask & plan.row);
      default: return plan.is_column(k) && !plan.along_row(k) && !(plan.value[k].mask & plan.row);
    }
  }
  struct numbers {
    int at[values + outputs]{}, count = 0;
  };
  template <what W, int Pass> static constexpr numbers chosen = [] {
    numbers n;
    for (int k = 0; k < (W >= what::stored ? outputs : values); ++k)
      if (belongs(W, Pass, k)) n.at[n.count++] = k;
    return n;
  }();
  template <what W, int Pass, int... K> static std::integer_sequence<int, chosen<W, Pass>.at[K]...> spread(std::integer_sequence<int, K...>);
  template <what W, int Pass = -1> using list = decltype(spread<W, Pass>(std::make_integer_sequence<int, chosen<W, Pass>.count>{}));
  template <what W, int Pass = -1> static constexpr int count = chosen<W, Pass>.count;

  template <class> struct packet_slots;
  template <int... I> struct packet_slots<std::integer_sequence<int, I...>> : slot<I, packet<M, plan.value[I].type, V>>... {};
  template <class> struct number_slots;
  template <int... I> struct number_slots<std::integer_sequence<int, I...>> : slot<I, number<I>>... {};
  template <int N, class> struct array_slots;
  template <int I, int N> struct number_array { number<I> at[N]; };
  template <int N, int... I> struct array_slots<N, std::integer_sequence<int, I...>> : slot<I, number_array<I, N>>... {};
  template <int O> struct output_numbers { computed<M, plan.output[O].type> at[V]; };
  template <int O> using stored_number = computed<M, plan.output[O].type>;
  template <class> struct output_slots;
  template <int... O> struct output_slots<std::integer_sequence<int, O...>> : slot<O, output_numbers<O>>... {};

  using row_packets = packet_slots<list<what::row_input>>;
  using column_packets = packet_slots<list<what::column_input>>;
  using held_values = number_slots<list<what::held>>;
  static constexpr int chains = V < 4 ? V : 4;  // independent sums of a thread
  template <int Pass> using accumulators = array_slots<chains, list<what::reduced, Pass>>;
  static constexpr int held_vectors = shape.vectors > 0 ? shape.vectors : 1;
  using column_vectors = array_slots<held_vectors * V, list<what::column_vector>>;
  using column_scalars = number_slots<list<what::column_scalar>>;

  /// Which of the block's groups this thread belongs to.
  THUNDER_DEVICE static int group_number() { return shape.groups == 1 ? 0 : M::thread() / shape.group; }
  /// Where a group of threads is.
  struct place {
    const arguments& a;
    std::int64_t row;  // row-major over all outer dimensions
    int t;             // the thread's number in its group
    std::uint32_t opaque;
  };

  // ---- extents and offsets
  template <int D> THUNDER_DEVICE static std::int64_t extent(const arguments& a) {
    if constexpr (static_extent(D) >= 0) return static_extent(D);
    else return a.extents[D];
  }
  template <int D = 0> THUNDER_DEVICE static std::int64_t inner_rows(const arguments& a) {  // rows of one step of outer dimension D - 1
    if constexpr (D >= dims - 1) return 1;
    else return extent<D>(a) * inner_rows<D + 1>(a);
  }
  /// The row's position in a buffer that varies along the outer dimensions Mask.
  template <unsigned Mask, int D = 0> THUNDER_DEVICE static std::int64_t outer_offset(const arguments& a, std::int64_t row, std::int64_t o = 0) {
    if constexpr (D == 0 && (Mask & all_outer) == all_outer) return row;
    else if constexpr (D >= dims - 1 || (Mask & all_outer) >> D == 0) {
      if constexpr (D >= dims - 1) return o;
      else return o;
    } else {
      const std::int64_t inner = inner_rows<D + 1>(a), i = row / inner;
      if constexpr (Mask >> D & 1) o = o * extent<D>(a) + i;
      return outer_offset<Mask, D + 1>(a, row - i * inner, o);
    }
  }
  template <unsigned Mask> THUNDER_DEVICE static std::int64_t offset(const arguments& a, std::int64_t row) {
    const std::int64_t o = (Mask & all_outer) == 0 ? 0 : outer_offset<Mask>(a, row);
    return Mask & plan.row ? o * extent<dims - 1>(a) : o;
  }
  /// Whether this is the first of the rows that differ only in dimensions outside of Mask.
  template <unsigned Mask, int D = 0> THUNDER_DEVICE static bool is_first(const arguments& a, std::int64_t row) {
    if constexpr ((Mask & all_outer) == all_outer || D >= dims - 1) return true;
    else {
      const std::int64_t inner = inner_rows<D + 1>(a), i = row / inner;
      return ((Mask >> D & 1) || i == 0) && is_first<Mask, D + 1>(a, row - i * inner);
    }
  }
  THUNDER_DEVICE static std::int64_t vectors_of_row(const arguments& a) {
    if constexpr (row_length >= 0) return (row_length + V - 1) / V;
    else return (a.extents[dims - 1] + V - 1) / V;
  }

  // ---- one number
  template <int I> THUNDER_DEVICE static number<I> constant() {
    constexpr double x = std::bit_cast<double>(traits::template statement<I>::first_word);
    if constexpr (plan.value[I].type == dtype::bf16 || plan.value[I].type == dtype::f16) {
      constexpr float y = element_t<plan.value[I].type>(static_cast<float>(x));
      return number<I>(y);
    } else return to_number<number<I>>(x);
  }
  template <int I, class Elements> THUNDER_DEVICE static number<I> operand(const held_values& h, const Elements& e) {
    if constexpr (plan.value[I].kind == role::constant) return constant<I>();
    else if constexpr (plan.is_element(I)) return get<I>(e);
    else return get<I>(h);
  }
  /// An operand of value I: floating-point ones are all coarse or all precise.
  template <int I, class T> THUNDER_DEVICE static auto as_precise_as(T x) {
    if constexpr (requires { x.v; }) return real<M, coarse.at[I]>(x.v);
    else return x;
  }
  template <int I, class Elements, int... K>
  THUNDER_DEVICE static number<I> evaluate(const place& at, const held_values& h, const Elements& e, std::int64_t i, std::integer_sequence<int, K...>) {
    constexpr value_facts f = plan.value[I];
    if constexpr (f.kind == role::cast) {
      const auto x = to_number<number<I>>(operand<f.operand[0]>(h, e));
      if constexpr (f.type == dtype::bf16) return number<I>(M::unpack_bf16(M::pack_bf16(x.v, 0), false, 0));
      else if constexpr (f.type == dtype::f16) return number<I>(M::unpack_f16(M::pack_f16(x.v, 0), false, 0));
      else return x;
    } else if constexpr (f.kind == role::indexed) {
      using attributes = typename traits::template statement<I>::attributes;
      const std::int64_t index = offset<f.removed>(at.a, at.row) + ((f.removed & plan.row) != 0 ? i : 0);
      return to_number<number<I>>(op_of<I>::template evaluate<attributes, element_t<f.type>>(index, plain(operand<f.operand[K]>(h, e))...));
    } else {
      return to_number<number<I>>(op_of<I>::evaluate(as_precise_as<I>(operand<f.operand[K]>(h, e))...));
    }
  }
  template <int I, class Elements> THUNDER_DEVICE static number<I> evaluate(const place& at, const held_values& h, const Elements& e, std::int64_t i) {
    return evaluate<I>(at, h, e, i, std::make_integer_sequence<int, plan.value[I].operands>{});
  }
  template <int I> THUNDER_DEVICE static number<I> identity() {
    using plain_type = decltype(plain(number<I>{}));
    return to_number<number<I>>(op_of<I>::template identity<plain_type>());
  }
  template <int I> THUNDER_DEVICE static number<I> combine(number<I> a, number<I> b) { return to_number<number<I>>(op_of<I>::combine(a, b)); }

  // ---- values that do not vary along the row
  template <int I> THUNDER_DEVICE static void hold(const place& at, held_values& h) {
    if constexpr (I < inputs) {
      packet<M, plan.value[I].type, 1> x;
      x.load_cached(at.a.in[I], offset<plan.value[I].mask>(at.a, at.row));
      get<I>(h) = to_number<number<I>>(x.get(0, 0));
    } else {
      get<I>(h) = evaluate<I>(at, h, number_slots<std::integer_sequence<int>>{}, 0);
    }
  }
  template <int... I> THUNDER_DEVICE static void hold_all(const place& at, held_values& h, std::integer_sequence<int, I...>) { (hold<I>(at, h), ...); }

  // ---- one vector
  template <int... I> THUNDER_DEVICE static void load_row(const place& at, [[maybe_unused]] std::int64_t i, row_packets& p, std::integer_sequence<int, I...>) {
    (get<I>(p).template load<!shape.pointwise>(at.a.in[I], offset<plan.value[I].mask>(at.a, at.row) + i), ...);
  }
  template <int... I> THUNDER_DEVICE static void load_row_some(const place& at, [[maybe_unused]] std::int64_t i, [[maybe_unused]] int n, row_packets& p, std::integer_sequence<int, I...>) {
    (get<I>(p).load_some(at.a.in[I], offset<plan.value[I].mask>(at.a, at.row) + i, n), ...);
  }
  template <int... I> THUNDER_DEVICE static void load_columns(const arguments& a, [[maybe_unused]] std::int64_t i, column_packets& p, std::integer_sequence<int, I...>) {
    if constexpr (shape.share_columns) (M::template shared_read<V * size_of(plan.value[I].type)>(get<I>(p).w, M::shared() + columns_offset + column_offset<I> + i * size_of(plan.value[I].type)), ...);
    else (get<I>(p).load_cached(a.in[I], i), ...);
  }
  template <int I> static constexpr int column_offset = [] {
    std::int64_t n = 0;
    for (int v = 0; v < I; ++v)
      if (is_column_input(v)) n += (row_length * size_of(plan.value[v].type) + 15) / 16 * 16;
    return static_cast<int>(n);
  }();
  /// What varies along the row alone comes to shared memory, for all rows of the block.
  template <int... I> THUNDER_DEVICE static void share_columns(const arguments& a, std::integer_sequence<int, I...>) {
    if constexpr (shape.share_columns) {
      for (int v = M::thread(); v < row_length / V; v += shape.threads())
        (M::template copy_async<V * size_of(plan.value[I].type)>(M::shared() + columns_offset + column_offset<I> + v * V * size_of(plan.value[I].type),
                                                                 static_cast<const char*>(a.in[I]) + v * V * size_of(plan.value[I].type)),
         ...);
      M::commit_copies();
      M::template wait_copies<0>();
      M::sync();
    }
  }
  template <int Pass> using element_list = list<what::work, Pass>;

  template <int I, class Elements> struct element_of { static constexpr bool held = false; };
  template <int Pass, int I, class Elements, class Sums, class Columns>
  THUNDER_DEVICE static void step(const place& at, const row_packets& p, const column_packets& c, const held_values& h, Elements& e, Sums& sums, Columns& columns,
                                  column_scalars& scalars, std::int64_t i, int u, int j, int n) {
    if constexpr (plan.need[Pass][I]) {
      if constexpr (I >= inputs) get<I>(e) = evaluate<I>(at, h, e, i + j);
      else if constexpr (is_column_input(I)) get<I>(e) = to_number<number<I>>(get<I>(c).get(j, at.opaque));
      else get<I>(e) = to_number<number<I>>(get<I>(p).get(j, at.opaque));
    }
    if constexpr (plan.accumulates(Pass, I)) {
      if (j >= n) return;  // of a partial vector
      const auto x = to_number<number<I>>(operand<plan.value[I].operand[0]>(h, e));
      if constexpr (!plan.is_column(I)) {
        auto& to = get<I>(sums).at[j % chains];
        to = combine<I>(to, x);
      } else if (is_first<plan.value[I].mask | plan.value[I].removed>(at.a, at.row)) {
        if constexpr (plan.value[I].mask & plan.row) columns.template add<I>(u, j, i, x);
        else get<I>(scalars) = combine<I>(get<I>(scalars), x);
      }
    }
  }
  template <int O, class Elements, class Out> THUNDER_DEVICE static void collect(const held_values& h, const Elements& e, Out& out, int j) {
    get<O>(out).at[j] = to_number<stored_number<O>>(operand<plan.output[O].value>(h, e));
  }
  template <int O, class Out> THUNDER_DEVICE static void store(const place& at, const Out& out, std::int64_t i, int n) {
    constexpr output_facts f = plan.output[O];
    if (!is_first<f.mask>(at.a, at.row)) return;
    packet<M, f.type, V> p;
    p.set(get<O>(out).at);
    const std::int64_t k = offset<f.mask>(at.a, at.row) + i;
    if (n == V) p.store(at.a.out[O], k);
    else p.store_some(at.a.out[O], k, n);
  }
  template <int Pass, class Sums, class Columns, int... I, int... O>
  THUNDER_DEVICE static void vector(const place& at, const row_packets& p, const column_packets& c, const held_values& h, Sums& sums, Columns& columns,
                                    column_scalars& scalars, std::int64_t i, int u, [[maybe_unused]] int n, std::integer_sequence<int, I...>, std::integer_sequence<int, O...>) {
    [[maybe_unused]] output_slots<std::integer_sequence<int, O...>> out;
    THUNDER_UNROLL
    for (int j = 0; j < V; ++j) {
      number_slots<std::integer_sequence<int, I...>> e;
      (step<Pass, I>(at, p, c, h, e, sums, columns, scalars, i, u, j, n), ...);
      (collect<O>(h, e, out, j), ...);
    }
    (store<O>(at, out, i, n), ...);
  }
  template <int Pass, class Sums, class Columns>
  THUNDER_DEVICE static void vector(const place& at, const row_packets& p, const column_packets& c, const held_values& h, Sums& sums, Columns& columns,
                                    column_scalars& scalars, std::int64_t i, int u, int n = V) {
    vector<Pass>(at, p, c, h, sums, columns, scalars, i, u, n, list<what::work, Pass>{}, list<what::stored, Pass>{});
  }

  // ---- column accumulators: in registers, or in this block's part of `partial`
  struct no_columns {
    template <int I> THUNDER_DEVICE void add(int, int, std::int64_t, number<I>) {}
  };
  struct register_columns : column_vectors {
    template <int I> THUNDER_DEVICE void add(int u, int j, std::int64_t, number<I> x) {
      auto& to = get<I>(*this).at[u * V + j];
      to = combine<I>(to, x);
    }
  };
  struct memory_columns {
    const arguments& a;
    template <int I> THUNDER_DEVICE void add(int, int j, std::int64_t i, number<I> x) {
      auto* to = reinterpret_cast<decltype(plain(x))*>(partial_of<I>(a)) + static_cast<std::int64_t>(M::block()) * extent<dims - 1>(a) + i + j;
      M::global_store(to, plain(combine<I>(to_number<number<I>>(M::global_load(to)), x)));
    }
  };
  /// Bytes of one block's partial results for the values before Before: a number each, or a row of numbers. Each is rounded up by itself, so
  /// that what begins at partial_bytes<I> * blocks ends before partial_bytes<I + 1> * blocks.
  template <int Before> THUNDER_ANYWHERE static constexpr std::int64_t partial_bytes(std::int64_t length) {
    if constexpr (Before == 0) return 0;
    else if constexpr (!plan.is_column(Before - 1)) return partial_bytes<Before - 1>(length);
    else {
      constexpr value_facts f = plan.value[Before - 1];
      const std::int64_t one = size_of(f.type) == 8 ? 8 : 4;
      return partial_bytes<Before - 1>(length) + ((f.mask & plan.row ? one * length : one) + 15) / 16 * 16;
    }
  }
  template <int I> THUNDER_DEVICE static char* partial_of(const arguments& a) { return a.partial + partial_bytes<I>(extent<dims - 1>(a)) * M::blocks(); }

  // ---- reductions over the threads of a group
  template <int I, class Sums> THUNDER_DEVICE static number<I> own_sum(const Sums& s) {
    number<I> x = get<I>(s).at[0];
    THUNDER_UNROLL
    for (int k = 1; k < chains; ++k) x = combine<I>(x, get<I>(s).at[k]);
    return x;
  }
  template <int I> THUNDER_DEVICE static number<I> across_warp(number<I> x, int width) {
    THUNDER_UNROLL
    for (int m = width / 2; m > 0; m /= 2) x = combine<I>(x, to_number<number<I>>(M::shuffle_xor(plain(x), m)));
    return x;
  }
  static constexpr int slot_bytes = 8, warps = shape.group / 32;
  /// x of all threads of the group. `buffer` has room for one number of each warp.
  template <int I> THUNDER_DEVICE static void post(number<I> x, char* buffer, int warp) {
    if (M::thread() % 32 == 0) M::shared_store(reinterpret_cast<decltype(plain(x))*>(buffer + slot_bytes * warp), plain(x));
  }
  THUNDER_DEVICE static void sync_group() {
    if constexpr (shape.groups == 1) M::sync();
    else M::sync_some(1 + group_number(), shape.group);
  }
  template <int I> THUNDER_DEVICE static number<I> gather(number<I> x, const char* buffer, int count) {
    const int lane = M::thread() % 32;
    x = identity<I>();
    if (lane < count) x = to_number<number<I>>(M::shared_load(reinterpret_cast<const decltype(plain(x))*>(buffer + slot_bytes * lane)));
    return across_warp<I>(x, 32);
  }
  template <int... I, class Sums>
  THUNDER_DEVICE static void reduce(const Sums& s, held_values& h, int& turn, std::integer_sequence<int, I...>) {
    if constexpr (sizeof...(I) > 0) {
      ((get<I>(h) = across_warp<I>(own_sum<I>(s), shape.group < 32 ? shape.group : 32)), ...);
      if constexpr (shape.group > 32) {  // two buffers in turn: one barrier a reduction
        char* buffer = M::shared() + (2 * group_number() + turn) * most_reduced * 32 * slot_bytes;
        turn ^= 1;
        int k = 0;
        (post<I>(get<I>(h), buffer + 32 * slot_bytes * k++, M::thread() % shape.group / 32), ...);
        sync_group();
        k = 0;
        ((get<I>(h) = gather<I>(get<I>(h), buffer + 32 * slot_bytes * k++, warps)), ...);
      }
    }
  }
  template <int... P> static constexpr int most_of(std::integer_sequence<int, P...>) {
    int n = 0;
    ((n = count<what::reduced, P> > n ? count<what::reduced, P> : n), ...);
    return n;
  }
  static constexpr int most_reduced = most_of(std::make_integer_sequence<int, plan.passes>{});

  // ---- a row
  template <class A, int... I> THUNDER_DEVICE static void start(A& a, int n, std::integer_sequence<int, I...>) {
    THUNDER_UNROLL
    for (int k = 0; k < n; ++k) ((get<I>(a).at[k] = identity<I>()), ...);
  }
  template <int Pass, class Columns>
  THUNDER_DEVICE static void pass(place& at, const row_packets* p, const column_packets* c, held_values& h, Columns& columns, column_scalars& scalars, int& turn) {
    accumulators<Pass> sums;
    start(sums, chains, list<what::reduced, Pass>{});
    at.opaque = at.opaque * 3u + at.a.opaque;
    const std::int64_t n = vectors_of_row(at.a);
    if constexpr (count<what::work, Pass> + count<what::stored, Pass> > 0) {
      if constexpr (shape.vectors > 0) {
        THUNDER_UNROLL
        for (int u = 0; u < shape.vectors; ++u) {
          const std::int64_t v = u * shape.group + at.t;
          if ((u + 1) * shape.group <= row_length / V || v < n) {
            if constexpr (shape.hold_columns || count<what::column_input, Pass> == 0) vector<Pass>(at, p[u], c[shape.hold_columns ? u : 0], h, sums, columns, scalars, v * V, u);
            else {
              column_packets here;
              load_columns(at.a, v * V, here, list<what::column_input, Pass>{});
              vector<Pass>(at, p[u], here, h, sums, columns, scalars, v * V, u);
            }
          }
        }
      } else {
#ifdef __CUDACC__
#pragma unroll 4
#endif
        for (std::int64_t v = at.t; v < n; v += shape.group) {
          row_packets row;
          column_packets here;
          load_row(at, v * V, row, list<what::row_input>{});
          load_columns(at.a, v * V, here, list<what::column_input, Pass>{});
          vector<Pass>(at, row, here, h, sums, columns, scalars, v * V, 0);
        }
      }
    }
    reduce(sums, h, turn, list<what::reduced, Pass>{});
    hold_all(at, h, list<what::held_from, Pass + 1>{});
  }
  template <int O> THUNDER_DEVICE static void store_of_row(const place& at, const held_values& h) {
    constexpr output_facts f = plan.output[O];
    if (!is_first<f.mask>(at.a, at.row)) return;
    stored_number<O> x[1]{to_number<stored_number<O>>(operand<f.value>(h, number_slots<std::integer_sequence<int>>{}))};
    packet<M, f.type, 1> p;
    p.set(x);
    p.store(at.a.out[O], offset<f.mask>(at.a, at.row));
  }
  template <int I> THUNDER_DEVICE static void add_row(const place& at, const held_values& h, column_scalars& scalars) {
    if (is_first<plan.value[I].mask | plan.value[I].removed>(at.a, at.row))
      get<I>(scalars) = combine<I>(get<I>(scalars), to_number<number<I>>(operand<plan.value[I].operand[0]>(h, number_slots<std::integer_sequence<int>>{})));
  }
  template <int... I, int... O>
  THUNDER_DEVICE static void end_row(const place& at, const held_values& h, column_scalars& scalars, std::integer_sequence<int, I...>, std::integer_sequence<int, O...>) {
    if (at.t == 0) {
      (add_row<I>(at, h, scalars), ...);
      (store_of_row<O>(at, h), ...);
    }
  }
  template <class Columns, int... P>
  THUNDER_DEVICE static void run_row(place& at, const row_packets* p, const column_packets* c, Columns& columns, column_scalars& scalars, int& turn, std::integer_sequence<int, P...>) {
    held_values h;
    hold_all(at, h, list<what::held_from, 0>{});
    (pass<P>(at, p, c, h, columns, scalars, turn), ...);
    end_row(at, h, scalars, list<what::column_of_rows>{}, list<what::stored_by_row>{});
  }
  using every_pass = std::make_integer_sequence<int, plan.passes>;

  THUNDER_DEVICE static void load_held_row(const place& at, row_packets* p) {
    if constexpr (shape.vectors > 0) {
      const std::int64_t n = vectors_of_row(at.a);
      THUNDER_UNROLL
      for (int u = 0; u < shape.vectors; ++u) {
        const std::int64_t v = u * shape.group + at.t;
        if ((u + 1) * shape.group <= row_length / V || v < n) load_row(at, v * V, p[u], list<what::row_input>{});
      }
    }
  }
  THUNDER_DEVICE static void load_held_columns(const arguments& a, int t, column_packets* c) {
    if constexpr (shape.hold_columns) {
      const std::int64_t n = vectors_of_row(a);
      THUNDER_UNROLL
      for (int u = 0; u < shape.vectors; ++u) {
        const std::int64_t v = u * shape.group + t;
        if ((u + 1) * shape.group <= row_length / V || v < n) load_columns(a, v * V, c[u], list<what::column_input>{});
      }
    }
  }

  // ---- kernels
  /// Each row once.
  THUNDER_DEVICE static void direct(const arguments& a) {
    M::begin_dependent();
    place at{a, static_cast<std::int64_t>(M::block()) * shape.groups + group_number(), M::thread() % shape.group, 0};
    // A group smaller than a warp stays until its warp has shuffled.
    const bool live = at.row < a.rows;
    if (!live) {
      if constexpr (shape.group >= 32) return;
      at.row = a.rows - 1;  // computes the last row once more: the same numbers go to the same places
    }
    at.opaque = static_cast<std::uint32_t>(at.row) & a.opaque;
    row_packets p[held_vectors];
    column_packets c[shape.hold_columns ? held_vectors : 1];
    load_held_row(at, p);
    load_held_columns(a, at.t, c);
    no_columns columns;
    column_scalars scalars;
    int turn = 0;
    run_row(at, p, c, columns, scalars, turn, every_pass{});
  }

  /// Whether every vector of a row is whole, as far as the compiler knows.
  static constexpr bool whole = row_length >= 0 && row_length % V == 0;
  /// The elements that vector v of a row holds.
  THUNDER_DEVICE static int count_at(const arguments& a, std::int64_t v) {
    if constexpr (whole) return V;
    else {
      const std::int64_t rest = extent<dims - 1>(a) - v * V;
      return rest >= V ? V : static_cast<int>(rest);
    }
  }
  struct vector_place {
    std::int64_t row, v;
  };
  THUNDER_DEVICE static vector_place place_of(const arguments& a, std::int64_t k) {
    if constexpr (dims == 1) return {0, k};
    else {
      const std::int64_t n = vectors_of_row(a), row = k / n;
      return {row, k - row * n};
    }
  }
  THUNDER_DEVICE static void load_vector(const arguments& a, vector_place at, row_packets& p, column_packets& c) {
    const place here{a, at.row, 0, 0};
    if (const int n = count_at(a, at.v); n == V) load_row(here, at.v * V, p, list<what::row_input>{});
    else load_row_some(here, at.v * V, n, p, list<what::row_input>{});
    load_columns(a, at.v * V, c, list<what::column_input>{});
  }

  /// Vectors anywhere.
  THUNDER_DEVICE static void pointwise(const arguments& a) {
    M::begin_dependent();
    constexpr int U = shape.unroll;
    const std::int64_t total = vectors_of_row(a) * (dims == 1 ? 1 : a.rows), first = static_cast<std::int64_t>(M::block()) * shape.group * U + M::thread();
    row_packets p[U];
    column_packets c[U];
    THUNDER_UNROLL
    for (int u = 0; u < U; ++u)
      if (first + u * shape.group < total) load_vector(a, place_of(a, first + u * shape.group), p[u], c[u]);
    THUNDER_UNROLL
    for (int u = 0; u < U; ++u) {
      if (first + u * shape.group >= total) continue;
      const vector_place k = place_of(a, first + u * shape.group);
      const place at{a, k.row, 0, a.opaque};
      held_values h;
      no_columns columns;
      column_scalars scalars;
      accumulators<0> sums;
      hold_all(at, h, list<what::held_from, 0>{});
      if constexpr (plan.passes > 0) vector<0>(at, p[u], c[u], h, sums, columns, scalars, k.v * V, 0, count_at(a, k.v));
      if (k.v == 0) store_rows(at, h, list<what::stored_by_row>{});
    }
  }
  template <int... O> THUNDER_DEVICE static void store_rows(const place& at, const held_values& h, std::integer_sequence<int, O...>) { (store_of_row<O>(at, h), ...); }

  /// One row, shared by all blocks, and reductions of all its elements.
  THUNDER_DEVICE static void flat(const arguments& a) {
    M::begin_dependent();
    constexpr int U = shape.unroll;
    const std::int64_t total = vectors_of_row(a), step = static_cast<std::int64_t>(M::blocks()) * shape.group * U;
    const place at{a, 0, M::thread(), a.opaque};
    held_values h;
    no_columns columns;
    column_scalars scalars;
    accumulators<0> sums;
    start_scalars(scalars, list<what::column_scalar>{});
    hold_all(at, h, list<what::held_from, 0>{});
#ifdef __CUDACC__
#pragma unroll 1
#endif
    for (std::int64_t first = static_cast<std::int64_t>(M::block()) * shape.group * U + M::thread(); first < total; first += step) {
      row_packets p[U];
      column_packets c;
      THUNDER_UNROLL
      for (int u = 0; u < U; ++u)
        if (first + u * shape.group < total) load_vector(a, {0, first + u * shape.group}, p[u], c);
      THUNDER_UNROLL
      for (int u = 0; u < U; ++u) {
        const std::int64_t v = first + u * shape.group;
        if (v < total) vector<0>(at, p[u], c, h, sums, columns, scalars, v * V, 0, count_at(a, v));
      }
    }
    if (M::block() == 0 && M::thread() == 0) end_row(at, h, scalars, list<what::column_of_rows>{}, list<what::stored_by_row>{});
    finish_scalars(a, scalars, 0, list<what::column_scalar>{});
  }

  /// The row number k of those that a result with the kept index `own` adds up.
  template <int D = 0> THUNDER_DEVICE static std::int64_t row_of(const arguments& a, std::int64_t own, std::int64_t k, std::int64_t row = 0) {
    if constexpr (kept == 0) return k;
    else if constexpr (D >= dims - 1) return row;
    else {
      if constexpr (kept >> D & 1) {
        const std::int64_t inner = rows_over<D + 1, true>(a), i = own / inner;
        return row_of<D + 1>(a, own - i * inner, k, row * extent<D>(a) + i);
      } else {
        const std::int64_t inner = rows_over<D + 1, false>(a), i = k / inner;
        return row_of<D + 1>(a, own, k - i * inner, row * extent<D>(a) + i);
      }
    }
  }
  /// The product of the extents of the outer dimensions from D on that are kept (or not).
  template <int D, bool Kept> THUNDER_DEVICE static std::int64_t rows_over(const arguments& a) {
    if constexpr (D >= dims - 1) return 1;
    else if constexpr ((kept >> D & 1) == Kept) return extent<D>(a) * rows_over<D + 1, Kept>(a);
    else return rows_over<D + 1, Kept>(a);
  }

  // ---- a ring of rows in shared memory: each thread copies what it alone will read, so no barrier is needed
  THUNDER_DEVICE static char* stage_of(int stage) {
    return M::shared() + ring_offset + (group_number() * shape.stages + stage) * shape.stage_bytes;
  }
  template <int I> static constexpr int stage_offset = [] {
    std::int64_t n = 0;
    for (int v = 0; v < I; ++v)
      if (belongs(what::row_input, -1, v)) n += row_length * size_of(plan.value[v].type);
    return static_cast<int>(n);
  }();
  template <int... I> THUNDER_DEVICE static void fill_stage(const place& at, char* stage, std::integer_sequence<int, I...>) {
    THUNDER_UNROLL
    for (int u = 0; u < shape.vectors; ++u) {
      const int v = u * shape.group + at.t;
      if ((u + 1) * shape.group <= row_length / V || v < row_length / V)
        (M::template copy_async<V * size_of(plan.value[I].type)>(stage + stage_offset<I> + v * (V * size_of(plan.value[I].type)),
                                                                 static_cast<const char*>(at.a.in[I]) + (offset<plan.value[I].mask>(at.a, at.row) + v * V) * size_of(plan.value[I].type)),
         ...);
    }
  }
  template <int... I> THUNDER_DEVICE static void read_stage(int t, const char* stage, row_packets* p, std::integer_sequence<int, I...>) {
    THUNDER_UNROLL
    for (int u = 0; u < shape.vectors; ++u) {
      const int v = u * shape.group + t;
      if ((u + 1) * shape.group <= row_length / V || v < row_length / V)
        (M::template shared_read<V * size_of(plan.value[I].type)>(get<I>(p[u]).w, stage + stage_offset<I> + v * (V * size_of(plan.value[I].type))), ...);
    }
  }

  /// Many rows a block, with column reductions.
  THUNDER_DEVICE static void persistent(const arguments& a) {
    M::begin_dependent();
    const std::int64_t own = M::block() / a.splits, rows = rows_over<0, false>(a);
    const int split = M::block() % a.splits, group = group_number();
    const std::int64_t step = static_cast<std::int64_t>(a.splits) * shape.groups;
    place at{a, 0, M::thread() % shape.group, 0};
    constexpr int S = shape.stages;
    constexpr list<what::row_input> every_input{};
    row_packets p[held_vectors];
    column_packets c[shape.hold_columns ? held_vectors : 1];
    using columns_type = std::conditional_t<count<what::column_vector> == 0, no_columns, std::conditional_t<(shape.vectors > 0), register_columns, memory_columns>>;
    auto columns = make_columns<columns_type>(a, at.t);
    column_scalars scalars;
    start_scalars(scalars, list<what::column_scalar>{});
    int turn = 0, stage = 0;
    share_columns(a, list<what::column_input>{});
    std::int64_t k = static_cast<std::int64_t>(split) * shape.groups + group;
    // Groups of less than a warp go on together, because shuffles are for all: some with the last row once more, to which they write the same.
    const std::int64_t last = shape.group >= 32 ? rows : (rows + step - 1) / step * step;
    auto row_number = [&](std::int64_t i) { return row_of(a, own, i < rows ? i : rows - 1); };
    auto fill = [&](std::int64_t row, int to) {
      if (row < last) fill_stage(place{a, row_number(row), at.t, 0}, stage_of(to), every_input);
      M::commit_copies();
    };
    if constexpr (S > 0)
      for (int s = 0; s + 1 < S; ++s) fill(k + s * step, s);
    load_held_columns(a, at.t, c);
#ifdef __CUDACC__
#pragma unroll 1
#endif
    for (; k < last; k += step) {
      at.row = row_number(k);
      at.opaque = static_cast<std::uint32_t>(at.row) & a.opaque;
      if constexpr (S > 0) {
        M::template wait_copies<S - 2>();
        read_stage(at.t, stage_of(stage), p, every_input);
        fill(k + (S - 1) * step, stage == 0 ? S - 1 : stage - 1);  // where the row before was: it has been used
        stage = stage + 1 == S ? 0 : stage + 1;
      } else load_held_row(at, p);
      if (shape.group >= 32 || k < rows) run_row(at, p, c, columns, scalars, turn, every_pass{});
      else {  // shuffles with the others, adds nothing
        no_columns nothing;
        column_scalars ignored;
        start_scalars(ignored, list<what::column_scalar>{});
        run_row(at, p, c, nothing, ignored, turn, every_pass{});
      }
    }
    M::template wait_copies<0>();
    finish_block(a, at.t, group, columns, scalars, turn);
  }
  template <class Columns> THUNDER_DEVICE static Columns make_columns(const arguments& a, int t) {
    if constexpr (std::is_same_v<Columns, register_columns>) {
      Columns c;
      start(c, held_vectors * V, list<what::column_vector>{});
      return c;
    } else if constexpr (std::is_same_v<Columns, memory_columns>) {
      clear_memory(a, t, list<what::column_vector>{});
      return Columns{a};
    } else return {};
  }
  template <int... I> THUNDER_DEVICE static void clear_memory(const arguments& a, int t, std::integer_sequence<int, I...>) {
    const std::int64_t n = extent<dims - 1>(a);
    for (std::int64_t v = t; v < vectors_of_row(a); v += shape.group)  // by the thread that will add to it
      for (int j = 0; j < V; ++j)
        (M::global_store(reinterpret_cast<decltype(plain(number<I>{}))*>(partial_of<I>(a)) + static_cast<std::int64_t>(M::block()) * n + v * V + j, plain(identity<I>())), ...);
  }
  template <int... I> THUNDER_DEVICE static void start_scalars(column_scalars& s, std::integer_sequence<int, I...>) { ((get<I>(s) = identity<I>()), ...); }

  /// What a block has added up goes to its row of `partial`.
  template <class Columns> THUNDER_DEVICE static void finish_block(const arguments& a, int t, int group, Columns& columns, const column_scalars& scalars, int turn) {
    finish_scalars(a, scalars, turn, list<what::column_scalar>{});
    if constexpr (std::is_same_v<Columns, register_columns>) finish_vectors(a, t, group, columns, list<what::column_vector>{});
  }
  template <int... I> THUNDER_DEVICE static void finish_scalars(const arguments& a, const column_scalars& s, int, std::integer_sequence<int, I...>) { (finish_scalar<I>(a, get<I>(s)), ...); }
  template <int I> THUNDER_DEVICE static void finish_scalar(const arguments& a, number<I> x) {
    constexpr int block_warps = (shape.threads() + 31) / 32;
    x = across_warp<I>(x, shape.threads() < 32 ? shape.threads() : 32);
    if constexpr (block_warps > 1) {
      M::sync();  // the buffers of earlier reductions are free
      char* buffer = M::shared();
      post<I>(x, buffer, M::thread() / 32);
      M::sync();
      x = gather<I>(x, buffer, block_warps);
    }
    if (M::thread() == 0) M::global_store(reinterpret_cast<decltype(plain(x))*>(partial_of<I>(a)) + M::block(), plain(x));
  }
  template <int... I> THUNDER_DEVICE static void finish_vectors(const arguments& a, int t, int group, register_columns& c, std::integer_sequence<int, I...>) {
    (finish_vector<I>(a, t, group, c), ...);
  }
  template <int I> THUNDER_DEVICE static void finish_vector(const arguments& a, int t, int group, register_columns& c) {
    using stored = decltype(plain(number<I>{}));
    stored* out = reinterpret_cast<stored*>(partial_of<I>(a)) + static_cast<std::int64_t>(M::block()) * row_length;
    auto& mine = get<I>(c).at;
    if constexpr (shape.groups > 1) {  // in shared memory: a row for each group, where the ring was, or else one for all, in turn
      constexpr int length = static_cast<int>(row_length);
      constexpr bool together = shape.stages * shape.stage_bytes >= length * static_cast<int>(sizeof(stored));
      constexpr int turns = together ? 1 : shape.groups;
      stored* sum = reinterpret_cast<stored*>(M::shared() + (together ? ring_offset + group * shape.stages * shape.stage_bytes : 0));
      M::sync();
      for (int g = 0; g < turns; ++g) {
        if (together || group == g) {
          THUNDER_UNROLL
          for (int u = 0; u < shape.vectors; ++u) {
            const int v = u * shape.group + t;
            if ((u + 1) * shape.group <= length / V || v < length / V) {
              THUNDER_UNROLL
              for (int j = 0; j < V; ++j) {
                number<I> x = mine[u * V + j];
                if (g > 0) x = combine<I>(to_number<number<I>>(M::shared_load(sum + v * V + j)), x);
                M::shared_store(sum + v * V + j, plain(x));
              }
            }
          }
        }
        M::sync();
      }
      for (int k = M::thread(); k < length; k += shape.threads()) {
        if constexpr (together) {
          number<I> x = identity<I>();
          for (int g = 0; g < shape.groups; ++g)
            x = combine<I>(x, to_number<number<I>>(M::shared_load(reinterpret_cast<stored*>(M::shared() + ring_offset + g * shape.stages * shape.stage_bytes) + k)));
          M::global_store(out + k, plain(x));
        } else M::global_store(out + k, M::shared_load(sum + k));
      }
    } else {
      THUNDER_UNROLL
      for (int u = 0; u < shape.vectors; ++u) {
        const int v = u * shape.group + t;
        if ((u + 1) * shape.group <= row_length / V || v < row_length / V) {
          THUNDER_UNROLL
          for (int j = 0; j < V; ++j) M::global_store(out + v * V + j, plain(mine[u * V + j]));
        }
      }
    }
  }
  /// Shared memory: for reductions and what a block adds up; then the ring.
  static constexpr int ring_offset = [] {
    int n = shape.group > 32 ? 2 * shape.groups * most_reduced * 32 * slot_bytes : 0;
    if (shape.persistent && n < 32 * slot_bytes) n = 32 * slot_bytes;
    if (shape.persistent && shape.vectors > 0 && shape.groups > 1 && shape.stages * shape.stage_bytes < row_length * 8)
      for (int v = 0; v < values; ++v)
        if (plan.is_column(v) && (plan.value[v].mask & plan.row) && row_length * (size_of(plan.value[v].type) == 8 ? 8 : 4) > n)
          n = static_cast<int>(row_length) * (size_of(plan.value[v].type) == 8 ? 8 : 4);
    return (n + 15) / 16 * 16;
  }();
  static constexpr int columns_offset = ring_offset + shape.stages * shape.stage_bytes * shape.groups;
  static constexpr int shared_bytes = columns_offset + (shape.share_columns ? column_offset<inputs> : 0);

  // ---- the sum of the blocks' partial results
  static constexpr int finish_threads = 1024, finish_columns = 32;
  /// Blocks of 32 columns; each of 32 warps adds every 32nd partial row.
  template <int O> THUNDER_DEVICE static void finish(const arguments& a, int blocks, int first_block) {
    constexpr output_facts f = plan.output[O];
    constexpr int I = f.value;
    using stored = decltype(plain(number<I>{}));
    constexpr bool is_vector = (plan.value[I].mask & plan.row) != 0;
    const std::int64_t length = is_vector ? extent<dims - 1>(a) : 1, results = static_cast<std::int64_t>(blocks / a.splits) * length;
    const stored* part = reinterpret_cast<const stored*>(a.partial + partial_bytes<I>(extent<dims - 1>(a)) * blocks);
    stored* sum = reinterpret_cast<stored*>(M::shared());
    const int lane = M::thread() % 32, warp = M::thread() / 32;
    constexpr int rows = finish_threads / 32;
    const std::int64_t k = static_cast<std::int64_t>(M::block() - first_block) * finish_columns + lane;
    number<I> x = identity<I>();
    if (k < results) {
      const std::int64_t own = k / length, column = k - own * length;
      const stored* p = part + (own * a.splits) * length + column;
#ifdef __CUDACC__
#pragma unroll 4
#endif
      for (int s = warp; s < a.splits; s += rows) x = combine<I>(x, to_number<number<I>>(M::global_load(p + s * length)));
    }
    M::shared_store(sum + warp * 32 + lane, plain(x));
    M::sync();
    if (warp == 0 && k < results) {
      for (int w = 1; w < rows; ++w) x = combine<I>(x, to_number<number<I>>(M::shared_load(sum + w * 32 + lane)));
      stored_number<O> y[1]{to_number<stored_number<O>>(x)};
      packet<M, f.type, 1> to;
      to.set(y);
      to.store(a.out[O], k);
    }
  }
};

}  // namespace thunder::cuda
