// rotate_pairs against its definition, a pair at a time.
#include <thunder/executors/cpu/rotation.hpp>

#include "../rotation.hpp"

using namespace rotation_tests;

TEST_CASE("every element type, both styles, forward and back, tables that broadcast") {
  for_every_case([](const sample& c, dtype t, std::int64_t style, std::int64_t back) {
    const operands in(c, t);
    buffer y(t, c.x), z(t, c.x);
    run<ops::rotate_pairs>({&in.x, &in.cosine, &in.sine}, y, {style, back});
    run<ops::rotate_pairs, serial_target>({&in.x, &in.cosine, &in.sine}, z, {style, back});
    CHECK_MESSAGE(in.error_of(y, style, back) < 1, c.text(t, style, back));
    CHECK_MESSAGE(in.error_of(z, style, back) < 1, c.text(t, style, back));
  });
}
TEST_CASE("stored past the caches") {
  for (const dtype t : {dtype::bf16, dtype::f32})
    for (const std::int64_t style : {0, 1}) {
      const sample c{{20, 3, 500, t == dtype::bf16 ? 576 : 288}, {500}};
      const operands in(c, t);
      buffer y(t, c.x);
      run<ops::rotate_pairs>({&in.x, &in.cosine, &in.sine}, y, {style, 0});
      CHECK_MESSAGE(in.error_of(y, style, 0) < 1, c.text(t, style, 0));
    }
}
