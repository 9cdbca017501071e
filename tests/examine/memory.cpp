// What memory() promises against what is allocated, and the picture of it.
#include <thunder/examine/memory.hpp>
#include <thunder/thunder.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <new>
#include <sstream>

namespace {

/// All of this program's allocations; tensors and arenas are the aligned ones.
struct allocations {
  bool counting = false;
  std::vector<std::size_t> aligned = std::vector<std::size_t>(64);
  std::size_t count = 0, plain = 0, live = 0, most = 0;
};
allocations seen;

void* aligned_memory(std::size_t n) {
  if (seen.counting && seen.count < seen.aligned.size()) seen.aligned[seen.count++] = n;
  seen.live += n, seen.most = std::max(seen.most, seen.live);
  auto* p = static_cast<char*>(std::aligned_alloc(64, (n + 64 + 63) / 64 * 64));
  if (!p) throw std::bad_alloc();
  *reinterpret_cast<std::size_t*>(p) = n;
  return p + 64;
}
void free_aligned(void* p) noexcept {
  if (!p) return;
  char* begin = static_cast<char*>(p) - 64;
  seen.live -= *reinterpret_cast<std::size_t*>(begin);
  std::free(begin);
}

}  // namespace

void* operator new(std::size_t n) {
  seen.plain += seen.counting;
  if (void* p = std::malloc(n ? n : 1)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void* operator new(std::size_t n, std::align_val_t) { return aligned_memory(n); }
void* operator new(std::size_t n, std::align_val_t, const std::nothrow_t&) noexcept { return aligned_memory(n); }
void operator delete(void* p, std::align_val_t) noexcept { free_aligned(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { free_aligned(p); }

using namespace thunder;

namespace {

inline constexpr auto B = dim("batch");
inline constexpr auto model = [](auto x) {
  const auto h = nn::linear<"out", 5>(tanh(nn::linear<"hidden", 32>(x)));
  return std::tuple{softmax(h), sum(h * h, axis<0>), mean(h)};
};

/// What f allocates: aligned blocks in order, the largest sum of them that is alive beyond what was before, and other blocks.
template <class F>
allocations during(F&& f) {
  seen.count = seen.plain = 0, seen.most = seen.live;
  const std::size_t before = seen.live;
  seen.counting = true;
  f();
  seen.counting = false;
  allocations r = seen;
  r.aligned.resize(r.count), r.most -= before;
  return r;
}
std::vector<std::size_t> sorted(std::vector<std::size_t> v) {
  std::sort(v.begin(), v.end());
  return v;
}

}  // namespace

TEST_CASE("a call allocates the arena, once, and its results") {
  auto warm = jit(model).lower(spec<float, B, 16>()), program = jit(model).lower(spec<float, B, 16>());
  auto s = init(jit(model), 1, spec<float, B, 16>());
  for (const int n : {40, 7, 40}) {
    const auto x = tensor<float, B, 16>::full(0.5f, n);
    warm(s, x);  // the loops' own scratch memory, which stays
    const memory_plan plan = program.memory(sizes({{B, n}}));
    std::vector<std::size_t> results, with_arena;
    for (const memory_buffer& b : plan.buffers)
      if (b.where == slot_info::result) results.push_back(static_cast<std::size_t>(b.bytes));
    with_arena = results;
    with_arena.push_back(static_cast<std::size_t>(plan.arena));
    auto fresh = jit(model).lower(spec<float, B, 16>());
    const allocations first = during([&] { fresh(s, x); });
    CHECK(sorted(first.aligned) == sorted(with_arena));
    CHECK(first.most == static_cast<std::size_t>(plan.arena + plan.results));
    const allocations next = during([&] { fresh(s, x); });
    CHECK(sorted(next.aligned) == sorted(results));
    CHECK(next.most == static_cast<std::size_t>(plan.results));
    CHECK(next.plain == 0);
    std::size_t parameters = 0;
    for (const auto& [name, value] : s) parameters += value.bytes();
    CHECK(plan.arguments == static_cast<std::int64_t>(x.view().size() * 4 + static_cast<std::int64_t>(parameters)));
    CHECK(plan.peak() == plan.arena + plan.results + plan.arguments);
  }
}

TEST_CASE("what is in the arena, and where") {
  const auto program = jit(model).lower(spec<float, B, 16>());
  const memory_plan m = program.memory(sizes({{B, 100}}));
  std::int64_t end = 0;
  std::string held;
  for (const memory_buffer& b : m.buffers) {
    held += b.holds + '\n';
    if (b.where != slot_info::arena) continue;
    CHECK(b.first < b.last);
    CHECK(b.last < program.step_count);
    end = std::max(end, (b.offset + b.bytes + 63) / 64 * 64);
    for (const memory_buffer& o : m.buffers)
      if (&o != &b && o.where == slot_info::arena && o.first <= b.last && b.first <= o.last)
        CHECK((o.offset + o.bytes <= b.offset || b.offset + b.bytes <= o.offset));
  }
  CHECK(end == m.arena);
  for (const char* part :
       {"argument 0\n", "parameter hidden.weight\n", "parameter out.bias\n", "result 0\n", "result 2\n", "output 0 of step 0\n"})
    CHECK_MESSAGE(held.find(part) != std::string::npos, held);
  std::ostringstream table;
  table << m;
  CHECK(table.str().find("           0       12,800      0 to 1  output 0 of step 0: f32[batch, 32]\n") != std::string::npos);
  CHECK(table.str().find("parameter hidden.weight: f32[16, 32]\n") != std::string::npos);
}

TEST_CASE("the picture") {
  const memory_plan m = jit(model).lower(spec<float, B, 16>()).memory(sizes({{B, 100}}));
  const std::string svg = memory_timeline_svg(m);
  CHECK(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" "));
  CHECK(svg.ends_with("</svg>\n"));
  struct box {
    double x, y, w, h;
  };
  std::vector<box> boxes;
  for (std::size_t at = svg.find("<rect", svg.find("<rect") + 1); at != std::string::npos; at = svg.find("<rect", at + 1)) {
    box b{};
    REQUIRE(std::sscanf(svg.c_str() + at, "<rect x=\"%lf\" y=\"%lf\" width=\"%lf\" height=\"%lf\"", &b.x, &b.y, &b.w, &b.h) == 4);
    boxes.push_back(b);
  }
  CHECK(boxes.size() == static_cast<std::size_t>(std::count_if(m.buffers.begin(), m.buffers.end(),
                                                               [](auto& b) { return b.where == slot_info::arena; })));
  for (const box& a : boxes)
    for (const box& b : boxes)
      if (&a != &b) CHECK((a.x + a.w < b.x + 0.1 || b.x + b.w < a.x + 0.1 || a.y + a.h < b.y + 0.1 || b.y + b.h < a.y + 0.1));
  for (const char* tag : {"rect", "text", "title"}) {  // every tag is closed
    int open = 0, closed = 0;
    for (std::size_t at = svg.find('<'); at != std::string::npos; at = svg.find('<', at + 1)) {
      const std::size_t end = svg.find('>', at);
      open += svg.compare(at + 1, std::string(tag).size(), tag) == 0 && svg[end - 1] != '/';
      closed += svg.compare(at + 1, std::string(tag).size() + 1, "/" + std::string(tag)) == 0;
    }
    CHECK(open == closed);
  }
  CHECK(escape_markup("a<b> & \"c\"\x01") == "a&lt;b&gt; &amp; &quot;c&quot;?");
  CHECK(memory_timeline_svg(jit([](auto x) { return x + x; }).lower(spec<float, 3>()).memory()).find("arena: 0 bytes") !=
        std::string::npos);
}
