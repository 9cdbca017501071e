# What examples, tests and benchmarks share: warnings, the processor's own instructions, nvcc when there is one.
find_package(ZLIB)

if(THUNDER_CUDA)
  include(CheckLanguage)
  if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
    find_program(THUNDER_NVCC nvcc HINTS ENV CUDA_HOME ENV CUDA_PATH PATHS /usr/local/cuda PATH_SUFFIXES bin)
    mark_as_advanced(THUNDER_NVCC)
    if(THUNDER_NVCC)
      set(CMAKE_CUDA_COMPILER "${THUNDER_NVCC}")
    endif()
  endif()
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
      set(CMAKE_CUDA_ARCHITECTURES 90 CACHE STRING "Compute capabilities to compile for")
    endif()
    enable_language(CUDA)
    string(REPLACE "-O3" "" CMAKE_CUDA_FLAGS_RELEASE "${CMAKE_CUDA_FLAGS_RELEASE}")  # nvcc takes one level: thunder_program says which
  endif()
endif()

add_library(thunder_program INTERFACE)
target_compile_options(thunder_program INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wconversion>"
                                                 "$<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-restrict>")  # false in g++ 12: PR105651
if(THUNDER_NATIVE)
  target_compile_options(
    thunder_program
    INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-march=native>"
              "$<$<COMPILE_LANG_AND_ID:CUDA,NVIDIA>:-Xcompiler=-march=native>")
endif()

# thunder_sources(<variable> <glob>...): the sources that match, without .cu files where nvcc is missing.
function(thunder_sources variable)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${ARGN})
  if(NOT CMAKE_CUDA_COMPILER_LOADED)
    list(FILTER sources EXCLUDE REGEX "\\.cu$")
  endif()
  set(${variable} "${sources}" PARENT_SCOPE)
endfunction()

set(THUNDER_CUDA_HOST_LEVEL -O3 CACHE STRING "Optimisation of the host's part of .cu files; kernels are always optimised")
mark_as_advanced(THUNDER_CUDA_HOST_LEVEL)
set(THUNDER_NOT_OPTIMISED "" CACHE STRING "Folders of the build tree whose programs are compiled with -O0")
mark_as_advanced(THUNDER_NOT_OPTIMISED)

# thunder_program(<target> <file name> <folder> <source>...): an executable that uses thunder, built into <folder>.
function(thunder_program target name folder)
  add_executable(${target} ${ARGN})
  target_link_libraries(${target} PRIVATE thunder::thunder thunder_program)
  target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CUDA>:${THUNDER_CUDA_HOST_LEVEL}>")
  if(folder IN_LIST THUNDER_NOT_OPTIMISED)
    target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:-O0>")
  endif()
  if("${ARGN}" MATCHES "\\.cu(;|$)")
    target_link_libraries(${target} PRIVATE thunder::cuda)
  endif()
  set_target_properties(${target} PROPERTIES OUTPUT_NAME "${name}" CXX_EXTENSIONS OFF
                                             RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/${folder}")
endfunction()
