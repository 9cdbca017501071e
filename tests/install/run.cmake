# Installs thunder into a scratch folder, builds consumers of all of it and of thunder::ir alone, then two that add the
# source tree, then one of the single header; runs them.
# cmake -D source=.. -D build=.. -D scratch=.. -D compiler=.. -D generator=.. -D python=.. -P run.cmake
include("${CMAKE_CURRENT_LIST_DIR}/run_command.cmake")

file(REMOVE_RECURSE "${scratch}")
run("${CMAKE_COMMAND}" --install "${build}" --prefix "${scratch}/prefix")

# A consumer of its own folder, so that nothing of the source tree is found by accident.
file(COPY "${source}/tests/install/" DESTINATION "${scratch}/consumer")
foreach(way installed ir_only added fetched)
  if(way STREQUAL "installed")
    # As users may: -g, these warnings, no header taken for the system's.
    set(where -D "CMAKE_PREFIX_PATH=${scratch}/prefix" -D CMAKE_BUILD_TYPE=Debug -D CMAKE_NO_SYSTEM_FROM_IMPORTED=ON -D
              "CMAKE_CXX_FLAGS=-Wall -Wextra -Wconversion -Werror" -D "hello=${source}/examples/hello_world/main.cpp")
  elseif(way STREQUAL "ir_only")
    set(where -D "CMAKE_PREFIX_PATH=${scratch}/prefix" -D ir_only=ON -D CMAKE_DISABLE_FIND_PACKAGE_OpenMP=ON -D
              CMAKE_DISABLE_FIND_PACKAGE_OpenBLAS=ON)
  elseif(way STREQUAL "added")
    set(where -D "thunder_source=${source}")
  else()
    set(where -D "thunder_source=${source}" -D fetched=ON)
  endif()
  run("${CMAKE_COMMAND}" -S "${scratch}/consumer" -B "${scratch}/${way}" -G "${generator}" -D "CMAKE_CXX_COMPILER=${compiler}"
      ${where})
  run("${CMAKE_COMMAND}" --build "${scratch}/${way}")
  run("${scratch}/${way}/traces")
  if(NOT way STREQUAL "ir_only")
    run("${scratch}/${way}/whole")
  endif()
  if(way STREQUAL "installed")
    run("${scratch}/${way}/hello")
  endif()
  message(STATUS "${way}: built and ran")
endforeach()

# The installed tree keeps no path of the tree that it came from.
file(GLOB_RECURSE files "${scratch}/prefix/*.cmake")
foreach(file IN LISTS files)
  file(READ "${file}" text)
  string(FIND "${text}" "${source}" place)
  if(NOT place EQUAL -1)
    message(FATAL_ERROR "${file} names the source tree")
  endif()
endforeach()

run("${python}" "${source}/scripts/single_header.py" "${scratch}/single/thunder/ir.hpp")
run("${compiler}" -std=c++20 "-I${scratch}/single" "${source}/tests/install/traces.cpp" -o "${scratch}/single/traces")
run("${scratch}/single/traces")
message(STATUS "single header: built and ran")
