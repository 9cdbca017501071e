# Sourced by demo.sh and test.sh: need PACKAGE... installs the Debian packages that are not there.
need() {
  local missing=()
  local package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  echo "installing: ${missing[*]}"
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

build_packages=(cmake ninja-build g++ doctest-dev libopenblas-openmp-dev zlib1g-dev dataset-fashion-mnist python3)
test_packages=(clang libomp-dev)
