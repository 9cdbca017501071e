#!/usr/bin/env bash
# Trains a network on Fashion-MNIST: installs what is missing, builds the example and runs it with the arguments given.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/packages.sh

need "${build_packages[@]}"
# The part for the GPU takes longer to compile than all else, so it is built where there is one.
cmake --preset default -DTHUNDER_CUDA="$(command -v nvidia-smi >/dev/null && echo ON || echo OFF)"
cmake --build build --target example_fashion_mnist
# Threads that wait sleep instead of spinning: on a machine that has other work, spinning makes training ten times slower.
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
exec build/examples/fashion_mnist "$@"
