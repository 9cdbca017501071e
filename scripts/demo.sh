#!/usr/bin/env bash
# Trains a network on Fashion-MNIST: installs what is missing, builds the example and runs it with the arguments given.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/packages.sh

need "${build_packages[@]}"
cmake --preset default
cmake --build build --target example_fashion_mnist
exec build/examples/fashion_mnist "$@"
