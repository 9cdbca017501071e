#!/usr/bin/env bash
# Builds and runs all tests: installs what is missing, uses nvcc when it is there, ends with ctest's own closing lines.
# Arguments go to ctest, for example -R ir.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/packages.sh

need "${build_packages[@]}" "${test_packages[@]}"
cmake --preset tests  # with nvcc's part, where nvcc is found
cmake --build build-tests
# Tests run side by side: threads that wait sleep instead of spinning.
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
exec ctest --test-dir build-tests --output-on-failure -j "$(nproc)" "$@"
