#pragma once
/// What a call of a program checks and looks up before its steps run. Functions of the program's tables, so that they are compiled once for
/// all programs of a translation unit.
#include <string>
#include <vector>

#include "../executors/step.hpp"
#include "../fusion/plan.hpp"
#include "../ir/print.hpp"
#include "../runtime/state.hpp"

namespace thunder {

/// A step in words, with the module it comes from: "step 12 (thunder.matmul, h.3.mlp)", "step 4 (6 fused statements that end with thunder.sum)".
/// `last`: the step's last statement, if it has some.
inline std::string step_in_words(int k, const step_info& s, const op_info* last, const graph_view& graph) {
  std::string r = "step " + std::to_string(k) + " (";
  if (s.op) r += s.op->name;
  else if (last) r += std::to_string(s.statements) + " fused statements that end with " + last->name;
  else r += "a copy";
  if (s.batch > 1) r += ", for " + std::to_string(s.batch) + " tensors at once";
  const std::string path = print_name(graph, s.name);
  return r + (path.empty() ? ")" : ", " + path + ")");
}
/// Throws the error that is being handled again, of the same type, with words before it.
[[noreturn]] inline void rethrow_with(const std::string& words) {
  try {
    throw;
  } catch (const device_error& e) {
    throw device_error(words + e.what());
  } catch (const shape_error& e) {
    throw shape_error(words + e.what());
  } catch (const numeric_error& e) {
    throw numeric_error(words + e.what());
  } catch (const state_error& e) {
    throw state_error(words + e.what());
  } catch (const error& e) {
    throw error(words + e.what());
  }
}

/// Who fails: an argument, by its number, or a parameter.
struct formal_name {
  int argument;
  const std::string* parameter = nullptr;
  std::string text() const { return parameter ? "the parameter '" + *parameter + "'" : "argument " + std::to_string(argument); }
};
/// What an executor wants of the memory that it is given.
struct memory_rule {
  device where;
  std::uintptr_t alignment;
  bool aligned(const void* p) const { return reinterpret_cast<std::uintptr_t>(p) % alignment == 0; }
};

inline std::int64_t bytes_of(const meta& m, const std::int64_t* extents) {
  std::int64_t n = size_of(m.type);
  for (int i = 0; i < m.rank; ++i) n *= extents[i];
  return n;
}
/// Fits run-time extents to a declared type, binding the names.
inline void bind_formal(bindings& b, const meta& m, const std::int64_t* extents, const formal_name& who) {
  for (int i = 0; i < m.rank; ++i)
    if (m.d[i].size == 1 && m.d[i].a && !m.d[i].b && b.find(m.d[i].a) != extents[i]) bind_size(b, m.d[i].a, extents[i], who.text().c_str());
  for (int i = 0; i < m.rank; ++i)
    if (const auto e = b.extent(m.d[i]); e >= 0 && e != extents[i])
      throw shape_error(who.text() + ": axis " + std::to_string(i) + " is '" + spelled(m.d[i]).text + "' and should have the extent " + std::to_string(e) + ", but has " +
                        std::to_string(extents[i]));
}
inline void check_not_moved(const void* data, const meta& m, const std::int64_t* extents, int at) {
  if (!data && bytes_of(m, extents) > 0) throw donation_error(formal_name{at}.text() + " has no memory: it was donated or moved from before");
}
/// Whether an argument on the device `place` has to be copied to where the executor wants it. One that is donated cannot be.
inline bool must_be_brought(const void* data, int at, bool given, device place, const memory_rule& rule) {
  if (place != rule.where && (place != device::cpu || given))
    throw device_error(formal_name{at}.text() + " is on the " + name_of(place) + " device, and the program runs on " + name_of(rule.where) + ": copy it with x.to(device::" + name_of(rule.where) +
                       "), or make the program for its device with jit<device::" + name_of(place) + ">");
  const bool aligned = rule.aligned(data);
  if (given && !aligned) throw donation_error(formal_name{at}.text() + " cannot be donated: its address is not a multiple of " + std::to_string(rule.alignment));
  return place != rule.where || !aligned;
}
/// The parameters' addresses. `names`: filled in the first call.
inline void find_parameters(void** to, std::vector<std::string>& names, state& s, const graph_view& graph, bindings& b, const memory_rule& rule) {
  if (names.empty())
    for (int k = 0; k < graph.parameter_count; ++k) names.push_back(print_name(graph, graph.parameters[k].name));
  for (int k = 0; k < graph.parameter_count; ++k) {
    const std::string& name = names[static_cast<std::size_t>(k)];
    any_tensor& x = s.at(name).value;
    const meta& m = graph.types[graph.parameters[k].type];
    if (x.dtype() != m.type || x.rank() != m.rank)
      throw state_error("the parameter '" + name + "' is " + x.printed() + " in the state, but " + printed_shape(m.type, m.d, m.rank) + " in the program");
    bind_formal(b, m, x.extents().data(), {0, &name});
    if (x.where() != rule.where)
      throw device_error("the parameter '" + name + "' is on the " + name_of(x.where()) + " device, and the program runs on " + name_of(rule.where) + ": copy the state with s.to(device::" +
                         name_of(rule.where) + ")");
    to[k] = x.data();
    if (!rule.aligned(to[k]))
      throw state_error("the parameter '" + name + "' starts at an address that is not a multiple of " + std::to_string(rule.alignment) + ", as the " + name_of(rule.where) +
                        " device needs it: put a copy of the tensor into the state");
  }
}

/// The slots of a program: what its plan says, for every program the same type.
struct slot_table {
  const slot_info* slots;
  int count;
  const meta* types;
  const int* results;
  int result_count;

  /// Bytes of each slot, and offsets of those in the arena, whose size is returned.
  std::int64_t lay_out(const bindings& b, std::int64_t* bytes, std::int64_t* offsets) const {
    for (int i = 0; i < count; ++i) {
      const meta& m = types[slots[i].type];
      std::int64_t n = size_of(m.type);
      for (int k = 0; k < m.rank; ++k) {
        const auto e = b.extent(m.d[k]);
        if (e < 0) throw shape_error(std::string("memory: the dimension '") + spelled(m.d[k]).text + "' has no size: pass sizes({{B, 128}})");
        n *= e;
      }
      bytes[i] = n;
    }
    return place_slots(slots, count, bytes, offsets);
  }
  /// What is overwritten is part of no other argument.
  void check_overlap(const std::int64_t* bytes, const void* written, std::int64_t size, void* const* formals, int itself, const char* what) const {
    const auto p = reinterpret_cast<std::uintptr_t>(written);
    for (int i = 0; i < count; ++i) {
      const slot_info& slot = slots[i];
      if (slot.where != slot_info::formal || slot.index == itself) continue;
      const auto f = reinterpret_cast<std::uintptr_t>(formals[slot.index]);
      if (f < p + static_cast<std::uintptr_t>(size) && p < f + static_cast<std::uintptr_t>(bytes[i]))
        throw donation_error("argument " + std::to_string(slot.index) + " overlaps " + what + ": pass a copy");
    }
  }
  /// The addresses of all slots but fresh results.
  void fill(void** where, void* const* formals, void* const* parameters, void* arena, const std::int64_t* offsets) const {
    for (int i = 0; i < count; ++i) {
      const slot_info& slot = slots[i];
      if (slot.where == slot_info::formal) where[i] = formals[slot.index];
      else if (slot.where == slot_info::parameter) where[i] = parameters[slot.index];
      else if (slot.where == slot_info::arena) where[i] = static_cast<char*>(arena) + offsets[i];
    }
  }
  /// The error of an allocation, with what the whole program needs.
  error with_needs(const error& e, std::int64_t arena, const std::int64_t* bytes) const {
    std::int64_t fresh = 0;
    for (int k = 0; k < result_count; ++k)
      if (const int s = results[k]; slots[s].where == slot_info::result) fresh += bytes[s];
    return error(std::string(e.what()) + "; the program needs " + std::to_string(arena) + " bytes between its steps and " + std::to_string(fresh) + " for its results");
  }
};

/// The operands of a library step, as arrays.
inline void describe_operands(array* x, const plan_operand* operands, int count, const meta* types, void* const* where, const bindings& b) {
  for (int i = 0; i < count; ++i) {
    const meta& m = types[operands[i].type];
    x[i].data = where[operands[i].slot], x[i].type = m.type, x[i].rank = m.rank;
    for (int k = 0; k < m.rank; ++k) x[i].extents[k] = b.extent(m.d[k]);
  }
}

}  // namespace thunder
