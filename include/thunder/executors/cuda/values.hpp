#pragma once
/// What a region's type says to its kernels, and one number of a value.
///
/// `kernel_values` holds the plan of a part (shape.hpp), the lists of values that a kernel keeps in registers, in packets or as
/// accumulators, where a row is in a buffer, and how a single number is computed. All of it is static: an object of it is never
/// made.
///
/// The text of the kernels is its nested classes, each in a header of its own: `row_text` (row.hpp), in it `column_text`
/// (columns.hpp), in that `wide_text` (wide.hpp), in that `kernels` (kernel.hpp). A nested class sees the names of those around
/// it, so none has to be qualified or declared again.
#include <bit>
#include <utility>

#include "packet.hpp"
#include "shape.hpp"

namespace thunder::ops {
struct eq;
struct exp;
struct iota;
struct sum;
struct where;
}  // namespace thunder::ops

namespace thunder::cuda {

/// The ops that kernels treat in a way of their own.
enum class known_op : std::uint8_t { other, eq, exp, iota, sum, where, zero };
template <class Op, std::int64_t FirstWord>
inline constexpr known_op known_op_of = std::is_same_v<Op, ops::eq>      ? known_op::eq
                                        : std::is_same_v<Op, ops::exp>   ? known_op::exp
                                        : std::is_same_v<Op, ops::iota>  ? known_op::iota
                                        : std::is_same_v<Op, ops::sum>   ? known_op::sum
                                        : std::is_same_v<Op, ops::where> ? known_op::where
                                        : std::is_same_v<Op, ops::full> && FirstWord == 0 ? known_op::zero
                                                                                          : known_op::other;

/// What a kernel is launched with. `opaque` is zero.
template <int Inputs, int Outputs, int Dims>
struct kernel_arguments {
  const void* in[Inputs + 1];
  void* out[Outputs];
  std::int64_t extents[Dims];  // of the plan's dimensions
  std::int64_t rows;           // the product of all but the last
  char* partial;               // of column reductions: a row for each block
  int splits;                  // persistent: blocks that share the rows of one result
  int shared_vectors;          // wide: of a row, that each thread keeps in shared memory
  std::uint32_t opaque;
  int first_block, blocks;     // of the launch, which may be that of several calls
};

template <int I, class V>
struct slot {
  V value;
};
template <int I, class V>
THUNDER_DEVICE V& get(slot<I, V>& s) {
  return s.value;
}
template <int I, class V>
THUNDER_DEVICE const V& get(const slot<I, V>& s) {
  return s.value;
}

/// What a region's type says of its part number Part.
template <class Region, class Machine, int Part>
struct kernel_values {
  using M = Machine;
  using traits = region_traits<Region>;
  static constexpr int values = traits::values, inputs = traits::inputs, outputs = traits::outputs;
  static constexpr auto plan = plan_of_part<Region, Part>();
  static constexpr int dims = plan.dims;
  static constexpr unsigned row_mask = plan.row, all_outer = row_mask - 1;
  /// The extent of dimension d if it is static, otherwise -1.
  static constexpr std::int64_t static_extent(int d) { return static_extent_of<Region>(plan, d); }
  static constexpr std::int64_t row_length = static_extent(dims - 1);
  static constexpr bool one_row = traits::plan.dims == 1;
  static constexpr kernel_shape shape = choose_shape(plan, row_length, one_row, Machine::limits);
  static constexpr int V = shape.vector;
  /// The outer dimensions that this part's column reductions keep.
  static constexpr unsigned kept = [] {
    unsigned k = 0;
    for (int v = 0; v < values; ++v)
      if (plan.is_column(v)) k = kept_mask(plan, v);
    return k;
  }();
  using arguments = kernel_arguments<inputs, outputs, dims>;
  struct known_ops {
    known_op at[values]{};
  };
  template <int... I>
  static constexpr known_ops find_ops(std::integer_sequence<int, I...>) {
    known_ops r;
    ((r.at[inputs + I] = known_op_of<typename traits::template statement<inputs + I>::op,
                                     traits::template statement<inputs + I>::first_word>),
     ...);
    return r;
  }
  static constexpr known_ops op = find_ops(std::make_integer_sequence<int, values - inputs>{});

  /// Whether a value reaches no output of more than 8 bits of mantissa: then its functions need no more than 11.
  struct value_flags {
    bool at[values]{};
  };
  static constexpr value_flags coarse = [] {
    value_flags fine, r;
    for (const auto& o : plan.output)
      if (o.value >= 0 && o.type != dtype::bf16) fine.at[o.value] = true;
    for (int v = values; v-- > 0;)
      for (int k = 0; fine.at[v] && k < plan.value[v].operands; ++k) fine.at[plan.value[v].operand[k]] = true;
    for (int v = 0; v < values; ++v) r.at[v] = !fine.at[v];
    return r;
  }();
  /// The coarse exp is good enough for a sum, whose own rounding errs as much.
  static constexpr bool sums_exponentials(int v) {
    return op.at[v] == known_op::sum && plan.value[v].type == dtype::f32 && op.at[plan.value[v].operand[0]] == known_op::exp;
  }
  /// The same for what a pass computes: a loss in float must not make the gradient precise, which is bf16.
  template <int Pass>
  static constexpr value_flags coarse_in = [] {
    value_flags fine, r;
    for (int o = 0; o < outputs; ++o)
      if (plan.output[o].value >= 0 && plan.stores(Pass, o) && plan.output[o].type != dtype::bf16)
        fine.at[plan.output[o].value] = true;
    for (int v = 0; v < values; ++v)
      if (plan.accumulates(Pass, v) && !coarse.at[v]) {  // of an exponential that is summed, what stands inside
        const int x = plan.value[v].operand[0];
        fine.at[sums_exponentials(v) ? plan.value[x].operand[0] : x] = true;
      }
    for (int v = values; v-- > 0;)
      for (int k = 0; fine.at[v] && plan.is_element(v) && k < plan.value[v].operands; ++k)
        fine.at[plan.value[v].operand[k]] = true;
    for (int v = 0; v < values; ++v) r.at[v] = coarse.at[v] || !fine.at[v];
    return r;
  }();
  // One value, one output. (The front end of nvcc copies the whole plan for each constant expression that names it.)
  template <int I>
  static constexpr value_facts facts = plan.value[I];
  template <int O>
  static constexpr output_facts output_at = plan.output[O];
  template <int I>
  struct number_of {
    using type = computed<M, facts<I>.type, coarse.at[I]>;
  };
  template <int I>
  using number = typename number_of<I>::type;
  template <int I>
  struct statement_of : traits::template statement<I> {};
  template <int I>
  using op_of = typename statement_of<I>::op;

  // ---- lists of values and outputs
  enum class what {
    row_input,       // loaded an element at a time, other ones for each row (in this pass, or, if none is named, in any)
    column_input,    // the same that varies along the row alone (or is loose)
    held_from,       // does not vary along the row, known before the pass
    held,            // the same, of any pass, and the reductions over the row
    element,         // loaded or computed an element at a time, in any pass
    computed,        // computed in this pass
    hit,             // of those: whether the element is the one with a certain index
    missed,          // ... and the others
    added,           // a reduction to which the elements of this pass are added
    added_missed,    // the same, also if there is no hit
    reduced,         // a reduction over the row that ends the pass
    column_vector,   // a reduction over rows: a row of sums
    column_scalar,   // ... or one
    column_of_rows,  // ... of values that do not vary along the row
    stored,          // outputs that the pass stores an element at a time
    stored_by_row    // outputs of one number a row
  };
  static constexpr bool is_column_input(int v) {
    return v < inputs && dims > 1 && plan.is_element(v) && (plan.value[v].mask == plan.row || is_loose(plan.value[v].mask));
  }
  /// Whether a row of what varies along `mask` begins elsewhere in a vector than the row of what varies along everything.
  static constexpr bool is_loose(unsigned mask) { return shape.shifted && (mask & plan.row) && mask != (plan.row | all_outer); }
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
      case what::row_input:
        return k < inputs && plan.is_element(k) && !is_column_input(k) && (pass < 0 ? used(k) : plan.need[pass][k]);
      case what::column_input:
        return is_column_input(k) && (pass < 0 ? used(k) : plan.need[pass][k]);
      case what::held:
        return plan.is_held(k);
      case what::held_from:
        return plan.is_held(k) && !plan.is_reduction(k) && plan.ready[k] == pass;
      case what::element:
        return used(k);
      case what::computed:
        return k >= inputs && plan.need[pass][k];
      case what::hit:
        return plan.need[pass][k] && is_hit(k);
      case what::missed:
        return k >= inputs && plan.need[pass][k] && !is_hit(k);
      case what::added:
        return plan.accumulates(pass, k) && (plan.along_row(k) || (plan.value[k].mask & plan.row));
      case what::added_missed:
        return belongs(what::added, pass, k) && !sums_hits(k);
      case what::reduced:
        return plan.along_row(k) && !plan.is_column(k) && plan.accumulates(pass, k);
      case what::column_vector:
        return plan.is_column(k) && (plan.value[k].mask & plan.row);
      case what::column_scalar:
        return plan.is_column(k) && !(plan.value[k].mask & plan.row);
      default:
        return plan.is_column(k) && !plan.along_row(k) && !(plan.value[k].mask & plan.row);
    }
  }
  /// iota along the row == a number that is the same for the row: true for one element at most. label_of: that number, or -1.
  static constexpr int label_of(int v) {
    if (op.at[v] != known_op::eq) return -1;
    for (int k = 0; k < 2; ++k) {
      const int a = plan.value[v].operand[k], b = plan.value[v].operand[1 - k];
      const bool index = op.at[a] == known_op::iota && plan.value[a].removed == plan.row;
      if (index && !plan.is_element(b) && is_integer(plan.value[b].type)) return b;
    }
    return -1;
  }
  static constexpr bool is_hit(int v) { return label_of(v) >= 0; }
  /// sum(where(hit, x, 0)): nothing to add where there is no hit.
  static constexpr bool sums_hits(int v) {
    if (op.at[v] != known_op::sum || op.at[plan.value[v].operand[0]] != known_op::where) return false;
    const int* x = plan.value[plan.value[v].operand[0]].operand;
    return is_hit(x[0]) && op.at[x[2]] == known_op::zero;
  }
  struct numbers {
    int at[values + outputs]{}, count = 0;
  };
  template <what W, int Pass>
  static constexpr numbers chosen = [] {
    numbers n;
    for (int k = 0; k < (W >= what::stored ? outputs : values); ++k)
      if (belongs(W, Pass, k)) n.at[n.count++] = k;
    return n;
  }();
  template <what W, int Pass, int... K>
  static std::integer_sequence<int, chosen<W, Pass>.at[K]...> spread(std::integer_sequence<int, K...>);
  template <what W, int Pass = -1>
  using list = decltype(spread<W, Pass>(std::make_integer_sequence<int, chosen<W, Pass>.count>{}));
  template <what W, int Pass = -1>
  static constexpr int count = chosen<W, Pass>.count;

  /// Packets of W neighbouring elements.
  template <int W, class>
  struct packet_slots;
  template <int W, int... I>
  struct packet_slots<W, std::integer_sequence<int, I...>> : slot<I, packet<M, facts<I>.type, W>>... {
    static constexpr int width = W;
  };
  template <int I>
  using number_slot = slot<I, number<I>>;
  template <int I>
  THUNDER_DEVICE static number<I>& value_of(number_slot<I>& s) {
    return s.value;
  }
  template <int I>
  THUNDER_DEVICE static number<I> value_of(const number_slot<I>& s) {
    return s.value;
  }
  template <class>
  struct number_slots;
  template <int... I>
  struct number_slots<std::integer_sequence<int, I...>> : number_slot<I>... {};
  template <int N, class>
  struct array_slots;
  template <int I, int N>
  struct number_array {
    number<I> at[N];
  };
  template <int N, int... I>
  struct array_slots<N, std::integer_sequence<int, I...>> : slot<I, number_array<I, N>>... {};
  template <int O>
  using stored_number = computed<M, output_at<O>.type>;
  template <int W, int O>
  struct output_numbers {
    stored_number<O> at[W];
  };
  template <int W, class>
  struct output_slots;
  template <int W, int... O>
  struct output_slots<W, std::integer_sequence<int, O...>> : slot<O, output_numbers<W, O>>... {
    static constexpr int width = W;
  };

  using row_packets = packet_slots<V, list<what::row_input>>;
  using column_packets = packet_slots<V, list<what::column_input>>;
  struct held_values : number_slots<list<what::held>> {};
  /// The numbers of one element. The same type in all passes, so that a statement needs one function.
  struct element_values : number_slots<list<what::element>> {
    THUNDER_DEVICE element_values() {}  // (not zeros)
  };
  static constexpr int chains = V < 4 ? V : 4;  // independent sums of a thread
  template <int Pass>
  using accumulators = array_slots<chains, list<what::reduced, Pass>>;
  static constexpr int held_vectors = shape.vectors > 0 ? shape.vectors : 1;
  using column_vectors = array_slots<held_vectors * V, list<what::column_vector>>;
  using column_scalars = number_slots<list<what::column_scalar>>;

  /// The block's number in its call.
  THUNDER_DEVICE static int block(const arguments& a) { return M::block() - a.first_block; }
  /// Which of the block's groups this thread belongs to.
  THUNDER_DEVICE static int group_number() { return shape.groups == 1 ? 0 : M::thread() / shape.group; }
  /// Where a group of threads is.
  struct place {
    const arguments& a;
    std::int64_t row;  // row-major over all outer dimensions
    int t;             // the thread's number in its group
    std::uint32_t opaque;
    const char* stage = nullptr;  // where the row is in shared memory, if it is read from there
  };

  // ---- extents and offsets
  template <int D>
  THUNDER_DEVICE static std::int64_t extent(const arguments& a) {
    if constexpr (static_extent(D) >= 0)
      return static_extent(D);
    else
      return a.extents[D];
  }
  template <int D = 0>
  THUNDER_DEVICE static std::int64_t inner_rows(const arguments& a) {  // rows of one step of outer dimension D - 1
    if constexpr (D >= dims - 1)
      return 1;
    else
      return extent<D>(a) * inner_rows<D + 1>(a);
  }
  /// The row's position in a buffer that varies along the outer dimensions Mask.
  template <unsigned Mask, int D = 0>
  THUNDER_DEVICE static std::int64_t outer_offset(const arguments& a, std::int64_t row, std::int64_t o = 0) {
    if constexpr (D == 0 && (Mask & all_outer) == all_outer)
      return row;
    else if constexpr (D >= dims - 1 || (Mask & all_outer) >> D == 0)
      return o;
    else {
      const std::int64_t inner = inner_rows<D + 1>(a), i = row / inner;
      if constexpr (Mask >> D & 1) o = o * extent<D>(a) + i;
      return outer_offset<Mask, D + 1>(a, row - i * inner, o);
    }
  }
  template <unsigned Mask>
  THUNDER_DEVICE static std::int64_t offset(const arguments& a, std::int64_t row) {
    const std::int64_t o = (Mask & all_outer) == 0 ? 0 : outer_offset<Mask>(a, row);
    return Mask & row_mask ? o * extent<dims - 1>(a) : o;
  }
  /// Whether this is the first of the rows that differ only in dimensions outside of Mask.
  template <unsigned Mask, int D = 0>
  THUNDER_DEVICE static bool is_first(const arguments& a, std::int64_t row) {
    if constexpr ((Mask & all_outer) == all_outer || D >= dims - 1)
      return true;
    else {
      const std::int64_t inner = inner_rows<D + 1>(a), i = row / inner;
      return ((Mask >> D & 1) || i == 0) && is_first<Mask, D + 1>(a, row - i * inner);
    }
  }
  THUNDER_DEVICE static std::int64_t vectors_of_row(const arguments& a) {
    if constexpr (row_length >= 0)
      return (row_length + V - 1) / V;
    else
      return (a.extents[dims - 1] + V - 1) / V;
  }

  // ---- one number
  template <int I>
  THUNDER_DEVICE static number<I> constant() {
    constexpr double x = std::bit_cast<double>(statement_of<I>::first_word);
    if constexpr (facts<I>.type == dtype::bf16 || facts<I>.type == dtype::f16) {
      constexpr float y = element_t<facts<I>.type>(static_cast<float>(x));
      return number<I>(y);
    } else
      return to_number<number<I>>(x);
  }
  template <int I>
  THUNDER_DEVICE static number<I> operand(const held_values& h, const element_values& e) {
    if constexpr (facts<I>.kind == value_role::constant)
      return constant<I>();
    else if constexpr (plan.is_element(I))
      return value_of<I>(e);
    else
      return value_of<I>(h);
  }
  /// An operand: floating-point ones of a statement are all coarse or all precise.
  template <bool Coarse, class T>
  THUNDER_DEVICE static auto as_precise(T x) {
    if constexpr (requires { x.v; })
      return real<M, Coarse>(x.v);
    else
      return x;
  }
  template <int I>
  using operand_numbers = std::make_integer_sequence<int, facts<I>.operands>;
  template <int I, bool Coarse, int... K>
  THUNDER_DEVICE static number<I> evaluate(const place& at, const held_values& h, const element_values& e, std::int64_t i,
                                           std::integer_sequence<int, K...>) {
    constexpr value_facts f = facts<I>;
    if constexpr (f.kind == value_role::cast) {
      const auto x = to_number<number<I>>(operand<f.operand[0]>(h, e));
      if constexpr (plan.is_only_stored(I))
        return x;
      else if constexpr (f.type == dtype::bf16)
        return number<I>(M::unpack_bf16(M::pack_bf16(x.v, 0), false, 0));
      else if constexpr (f.type == dtype::f16)
        return number<I>(M::unpack_f16(M::pack_f16(x.v, 0), false, 0));
      else
        return x;
    } else if constexpr (f.kind == value_role::indexed) {
      using attributes = typename statement_of<I>::attributes;
      const std::int64_t index = offset<f.removed>(at.a, at.row) + ((f.removed & row_mask) != 0 ? i : 0);
      return to_number<number<I>>(
          op_of<I>::template evaluate<attributes, element_t<f.type>>(index, plain(operand<f.operand[K]>(h, e))...));
    } else {
      return to_number<number<I>>(op_of<I>::evaluate(as_precise<Coarse>(operand<f.operand[K]>(h, e))...));
    }
  }
  template <int I>
  THUNDER_DEVICE static number<I> identity() {
    using plain_type = decltype(plain(number<I>{}));
    return to_number<number<I>>(op_of<I>::template identity<plain_type>());
  }
  template <int I>
  THUNDER_DEVICE static number<I> combine(number<I> a, number<I> b) {
    return to_number<number<I>>(op_of<I>::combine(a, b));
  }

  struct row_text;
};

}  // namespace thunder::cuda
