#!/usr/bin/env bash
# On a machine with a GPU and nvcc: builds and runs the tests that use the GPU, then the benchmarks, and prints their tables last.
# The arguments go to cmake, for example -DCMAKE_CUDA_ARCHITECTURES=80. SANITIZE=1 runs the tests under compute-sanitizer too; INSTALL=0
# installs no Debian packages; RANDOM_PROGRAMS=200 compiles and runs that many random programs beside those of the tests. Where PYTHON (default:
# python3) has torch or jax they are measured too, unless PEERS=0; build-gpu/gpu.json has all figures.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/packages.sh
if [[ ${INSTALL:-1} != 0 ]]; then need "${build_packages[@]}"; fi
build=build-gpu
jobs=${JOBS:-$(nproc)}
cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=Release -DTHUNDER_CUDA=ON -DTHUNDER_COMPILE_FAIL_ALL=OFF -DTHUNDER_RANDOM_PROGRAMS="${RANDOM_PROGRAMS:-0}" "$@" >$build.log || { cat $build.log; exit 1; }
cmake --build $build -j "$jobs" --target test_gpu bench_gpu example_fashion_mnist >>$build.log || { tail -n 60 $build.log; exit 1; }
ctest --test-dir $build -L cuda --output-on-failure -j 4 | tail -n 40
if [[ ${SANITIZE:-0} == 1 ]]; then
  for tool in memcheck racecheck initcheck; do
    for test in $build/tests/executors/cuda/*_cu; do
      echo "== compute-sanitizer --tool $tool $(basename "$test")"
      compute-sanitizer --tool $tool --error-exitcode 9 "$test" | tail -n 12
    done
  done
fi
if [[ -f ${FASHION_MNIST:-/usr/share/datasets/fashion-mnist}/train-images-idx3-ubyte.gz ]]; then
  for device in cpu cuda; do
    $build/examples/fashion_mnist --data "${FASHION_MNIST:-/usr/share/datasets/fashion-mnist}" --device $device --epochs 2 --plot $build/loss.png | tr '\r' '\n' | tail -n 3
  done
fi
results=()
for bench in $build/bench/gpu/*; do
  if [[ -x $bench && -f $bench ]]; then
    "$bench" --json "$bench.json" && results+=("$bench.json")
  fi
done
python=${PYTHON:-python3}
if command -v "$python" >/dev/null; then
  peers=()
  if [[ ${PEERS:-1} != 0 ]] && "$python" -c 'import importlib.util as u, sys; sys.exit(not (u.find_spec("torch") or u.find_spec("jax")))'; then
    "$python" bench/gpu/peers.py --json $build/peers.json >/dev/null && peers=(--peers $build/peers.json)
  fi
  echo
  "$python" bench/table.py --json $build/gpu.json "${peers[@]}" "${results[@]}"
fi
