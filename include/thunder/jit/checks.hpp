#pragma once
/// What calls of all programs check, and the sentences of their errors. Nothing here depends on a program's type, so that a
/// compiler makes it once a file and not once a program and argument.
#include <cstdint>
#include <string>
#include <vector>

#include "../core/dim.hpp"
#include "../executors/step.hpp"
#include "../fusion/plan.hpp"
#include "../ir/print.hpp"
#include "../runtime/any_tensor.hpp"
#include "../runtime/device.hpp"
#include "../runtime/extents.hpp"
#include "../runtime/state.hpp"

namespace thunder {

/// Where a program runs, and what its buffers' addresses are multiples of.
struct program_place {
  device where;
  std::uintptr_t alignment;
  bool aligned(const void* p) const { return reinterpret_cast<std::uintptr_t>(p) % alignment == 0; }
};

inline std::int64_t bytes_of(const meta& m, const std::int64_t* extents) {
  std::int64_t n = size_of(m.type);
  for (int i = 0; i < m.rank; ++i) n *= extents[i];
  return n;
}
/// Who has extents: "argument 0", or "the parameter 'fc.weight'". A text when one is needed: calls allocate nothing.
struct formal_name {
  const char* argument;
  const std::string* parameter = nullptr;
  [[gnu::noinline, gnu::cold]] std::string text() const {
    return parameter ? text_of({"the parameter '", *parameter, "'"}) : std::string(argument);
  }
};
/// Fits run-time extents to a declared type, binding the names.
[[gnu::noinline]] inline void bind_extents(bindings& b, const meta& m, const std::int64_t* extents, const formal_name& who) {
  for (int i = 0; i < m.rank; ++i)
    if (m.d[i].size == 1 && m.d[i].a && !m.d[i].b && b.find(m.d[i].a) != extents[i])
      bind_size(b, m.d[i].a, extents[i], who.text().c_str());
  for (int i = 0; i < m.rank; ++i)
    if (const auto e = b.extent(m.d[i]); e >= 0 && e != extents[i])
      throw_error<shape_error>({who.text(), ": axis ", i, m.d[i].named() ? text_of({" is '", spelled(m.d[i]).text, "' and"}) : "",
                                " should have the extent ", e, ", but has ", extents[i]});
}
[[gnu::noinline]] inline void check_memory(const char* who, const void* data, std::int64_t bytes) {
  if (!data && bytes > 0) throw_error<donation_error>({who, " has no memory: it was donated or moved from before"});
}
/// Whether a program takes a copy of an argument. given: donated.
[[gnu::noinline]] inline bool needs_copy(const char* who, const void* data, device place, bool given,
                                         const program_place& program) {
  if (place != program.where && (place != device::cpu || given))
    throw_error<device_error>({who, " is on the ", name_of(place), " device, and the program runs on ", name_of(program.where),
                               ": copy it with x.to(device::", name_of(program.where),
                               "), or make the program for its device with jit<device::", name_of(place), ">"});
  if (given && !program.aligned(data))
    throw_error<donation_error>({who, " cannot be donated: its address is not a multiple of ", program.alignment});
  return place != program.where || !program.aligned(data);
}
/// A parameter's memory. m: its type in the program.
[[gnu::noinline]] inline void* take_parameter(const std::string& name, any_tensor& x, const meta& m, bindings& b,
                                              const program_place& program) {
  if (x.dtype() != m.type || x.rank() != m.rank)
    throw_error<state_error>({"the parameter '", name, "' is ", x.printed(), " in the state, but ",
                              printed_shape(m.type, m.d, m.rank), " in the program"});
  bind_extents(b, m, x.extents().data(), {nullptr, &name});
  const char* const where = name_of(program.where);
  if (x.where() != program.where)
    throw_error<device_error>({"the parameter '", name, "' is on the ", name_of(x.where()), " device, and the program runs on ",
                               where, ": copy the state with s.to(device::", where, ")"});
  if (!program.aligned(x.data()))
    throw_error<state_error>({"the parameter '", name, "' starts at an address that is not a multiple of ", program.alignment,
                              ", as the ", where, " device needs it: put a copy of the tensor into the state"});
  return x.data();
}

/// All parameters' memory. names: filled in the first call.
[[gnu::noinline]] inline void take_parameters(void** to, std::vector<std::string>& names, state& s, const graph_view& graph,
                                              bindings& b, const program_place& program) {
  if (names.empty())
    for (int k = 0; k < graph.parameter_count; ++k) names.push_back(print_name(graph, graph.parameters[k].name));
  for (int k = 0; k < graph.parameter_count; ++k) {
    const std::string& name = names[static_cast<std::size_t>(k)];
    to[k] = take_parameter(name, s.at(name).value, graph.types[graph.parameters[k].type], b, program);
  }
}

/// The slots of a program, as its plan has them: of one type for all programs.
struct slot_table {
  const slot_info* slots;
  int count;
  const meta* types;
  const int* results;
  int result_count;

  /// The bytes of the slots and their places in the arena, whose size is returned.
  [[gnu::noinline]] std::int64_t lay_out(const bindings& b, std::int64_t* bytes, std::int64_t* offsets) const {
    for (int i = 0; i < count; ++i) {
      const meta& m = types[slots[i].type];
      std::int64_t n = size_of(m.type);
      for (int k = 0; k < m.rank; ++k) {
        const auto e = b.extent(m.d[k]);
        if (e < 0)
          throw_error<shape_error>({"memory: the dimension '", spelled(m.d[k]).text, "' has no size: pass sizes({{B, 128}})"});
        n *= e;
      }
      bytes[i] = n;
    }
    return place_slots(slots, count, bytes, offsets);
  }
  /// Throws an error that says what the whole program needs.
  [[noreturn, gnu::noinline, gnu::cold]] void refuse_allocation(const error& e, std::int64_t arena,
                                                                const std::int64_t* bytes) const {
    std::int64_t fresh = 0;
    for (int k = 0; k < result_count; ++k)
      if (slots[results[k]].where == slot_info::result) fresh += bytes[results[k]];
    throw_error<error>({e.what(), "; the program needs ", arena, " bytes between its steps and ", fresh, " for its results"});
  }
  /// What is overwritten is part of no other argument than number `itself`.
  [[gnu::noinline]] void check_overlap(const std::int64_t* bytes, const void* written, std::int64_t size, void* const* formals,
                                       int itself, const char* what) const {
    const auto p = reinterpret_cast<std::uintptr_t>(written);
    for (int i = 0; i < count; ++i) {
      const slot_info& slot = slots[i];
      if (slot.where != slot_info::formal || slot.index == itself) continue;
      const auto f = reinterpret_cast<std::uintptr_t>(formals[slot.index]);
      if (f < p + static_cast<std::uintptr_t>(size) && p < f + static_cast<std::uintptr_t>(bytes[i]))
        throw_error<donation_error>({"argument ", slot.index, " overlaps ", what, ": pass a copy"});
    }
  }
  /// The addresses of all slots but fresh results.
  [[gnu::noinline]] void fill(void** where, void* const* formals, void* const* parameters, void* arena,
                              const std::int64_t* offsets) const {
    for (int i = 0; i < count; ++i) {
      const slot_info& slot = slots[i];
      if (slot.where == slot_info::formal)
        where[i] = formals[slot.index];
      else if (slot.where == slot_info::parameter)
        where[i] = parameters[slot.index];
      else if (slot.where == slot_info::arena)
        where[i] = static_cast<char*>(arena) + offsets[i];
    }
  }
};

/// The operands of a library step, as arrays.
[[gnu::noinline]] inline void describe_operands(array* x, const plan_operand* operands, int count, const meta* types,
                                                void* const* where, const bindings& b) {
  for (int i = 0; i < count; ++i) {
    const meta& m = types[operands[i].type];
    x[i].data = where[operands[i].slot], x[i].type = m.type, x[i].rank = m.rank;
    for (int k = 0; k < m.rank; ++k) x[i].extents[k] = b.extent(m.d[k]);
  }
}

/// A step in words. last: the op of its last statement; path: the module it comes from.
[[gnu::noinline, gnu::cold]] inline std::string step_words(int k, const step_info& s, const char* last, const std::string& path) {
  std::string what = "a copy", batch;
  if (s.op)
    what = s.op->name;
  else if (s.statements)
    what = text_of({s.statements, " fused statements that end with ", last});
  if (s.batch > 1) batch = text_of({", for ", s.batch, " tensors at once"});
  return text_of({"step ", k, " (", what, batch, path.empty() ? "" : ", ", path, ")"});
}
/// Throws the error that is being handled again: its type stays, and its text begins with the step that it is of.
[[noreturn, gnu::noinline, gnu::cold]] inline void rethrow_in(const std::string& step) {
  const auto text = [&](const error& e) { return text_of({step, ": ", e.what()}); };
  try {
    throw;
  } catch (const device_error& e) {
    throw device_error(text(e));
  } catch (const shape_error& e) {
    throw shape_error(text(e));
  } catch (const numeric_error& e) {
    throw numeric_error(text(e));
  } catch (const state_error& e) {
    throw state_error(text(e));
  } catch (const error& e) {
    throw error(text(e));
  }
}

}  // namespace thunder
