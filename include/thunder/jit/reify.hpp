#pragma once
/// From the plan's integers back to types: each step of a program as a type that executors instantiate.
#include "lower.hpp"

namespace thunder {

/// The iteration space of region step K: its extents as the region's type spells them, and the dimensions that are bound at run time.
struct region_space {
  std::int64_t extents[max_rank]{};
  dim dynamic[max_rank]{};
  int dynamic_count = 0;
};
constexpr region_space space_of(const dim* extents, int count) {
  region_space r;
  for (int i = 0; i < count; ++i) {
    const dim& d = extents[i];
    // A loop over all elements is one kernel for every length.
    if (!d.named() && (count > 1 || d.size == 1)) {
      r.extents[i] = d.size;
      continue;
    }
    int at = 0;
    while (at < r.dynamic_count && !(r.dynamic[at] == d)) ++at;
    if (at == r.dynamic_count) r.dynamic[r.dynamic_count++] = d;
    r.extents[i] = -1 - at;
  }
  return r;
}
template <class Data> constexpr region_space space_of_step(const Data& plan, int k) { return space_of(plan.extents + plan.steps[k].extent, plan.steps[k].extents); }

template <class Plan, int K, int... W> constexpr auto statement_words(std::integer_sequence<int, W...>) {
  constexpr step_statement t = Plan::data.statements[K];
  return words<Plan::data.words[t.word + W]...>{};
}
template <class Plan, int K, class Words, int... X> constexpr auto region_statement(Words, std::integer_sequence<int, X...>) {
  constexpr step_statement t = Plan::data.statements[K];
  return s<op_struct<t.op->id>, Words, t.type, t.mask, Plan::data.statement_operands[t.operand + X]...>{};
}
template <class Plan, int K> constexpr auto region_statement() {
  constexpr step_statement t = Plan::data.statements[K];
  return region_statement<Plan, K>(statement_words<Plan, K>(std::make_integer_sequence<int, t.words>{}), std::make_integer_sequence<int, t.operands>{});
}
template <class Plan, int K, int... E, int... I, int... O, int... T>
constexpr auto region_of(std::integer_sequence<int, E...>, std::integer_sequence<int, I...>, std::integer_sequence<int, O...>, std::integer_sequence<int, T...>) {
  constexpr step_info at = Plan::data.steps[K];
  constexpr region_space space_here = space_of_step(Plan::data, K);
  return region<space<space_here.extents[E]...>, pack<input<Plan::data.operands[at.input + I].element, Plan::data.operands[at.input + I].mask>...>,
                pack<output<Plan::data.operands[at.output + O].local, Plan::data.operands[at.output + O].element, Plan::data.operands[at.output + O].mask>...>,
                decltype(region_statement<Plan, at.statement + T>())...>{};
}
/// The region of step K, as a type.
template <class Plan, int K> constexpr auto region_of() {
  constexpr step_info at = Plan::data.steps[K];
  return region_of<Plan, K>(std::make_integer_sequence<int, at.extents>{}, std::make_integer_sequence<int, at.inputs>{}, std::make_integer_sequence<int, at.outputs>{},
                            std::make_integer_sequence<int, at.statements>{});
}

}  // namespace thunder
