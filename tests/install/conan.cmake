# Makes a Conan package of the tree, with the system's OpenBLAS, and builds and runs its test package, all in a scratch folder.
# cmake -D source=.. -D scratch=.. -D conan=.. -D compiler=.. -P conan.cmake
include("${CMAKE_CURRENT_LIST_DIR}/run_command.cmake")

if(NOT conan)
  message(STATUS "Conan is not installed: skipped")
  return()
endif()
file(REMOVE_RECURSE "${scratch}")
file(COPY "${source}/packaging/conan/test_package" DESTINATION "${scratch}")
set(ENV{CONAN_HOME} "${scratch}/home")
set(ENV{CXX} "${compiler}")
run("${conan}" profile detect)
file(STRINGS "${source}/CMakeLists.txt" version REGEX "^project\\(thunder VERSION")
string(REGEX REPLACE ".* VERSION ([0-9.]+) .*" "\\1" version "${version}")
set(options --no-remote -s compiler.cppstd=20 -o "thunder/*:system_openblas=True")
run("${conan}" create "${source}/packaging/conan" "--test-folder=" ${options})
run("${conan}" test "${scratch}/test_package" thunder/${version} ${options})
message(STATUS "Conan: packaged, built and ran")
