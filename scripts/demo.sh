#!/usr/bin/env bash
# Trains a network on Fashion-MNIST: installs what is missing, builds the example and runs it with the arguments given.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/packages.sh

need "${build_packages[@]}"
cmake --preset default
cmake --build build --target example_fashion_mnist
# Threads that wait sleep instead of spinning: on a machine that has other work, spinning makes training ten times slower.
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
exec build/examples/fashion_mnist "$@"
