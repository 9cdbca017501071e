# tests/a/b.cpp is the program build/tests/a/b and the CTest test a.b; a .cu file likewise where nvcc is found (then b.cu).
# tests/link/NAME/* is one program of several translation units (left out if one is a .cu file and nvcc is missing).
# Compile-fail, documentation, header, layering and install tests are scripts that CTest runs.
find_package(doctest REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)

option(THUNDER_COMPILE_FAIL_ALL "Run the compile-fail tests with clang++ and nvcc too, where they are found" ON)
set(THUNDER_MERGE_TESTS 0 CACHE STRING "Compile so many test files of a folder as one: quicker for all of them, slower for one")
set(THUNDER_CUDA_KERNELS_ALSO_FOR "" CACHE STRING "Compute capabilities that the tests of all kernels are compiled for besides CMAKE_CUDA_ARCHITECTURES")
set(THUNDER_RANDOM_PROGRAMS 0 CACHE STRING "Compile so many more random programs for the GPU (tests/executors/cuda/random_programs.cu)")
set(THUNDER_GPU_TESTS ON CACHE STRING "ON: .cu tests are programs. OFF: of those that do nothing without a GPU only the kernels are compiled, and CTest skips them. AUTO: ON where there is a GPU")
set_property(CACHE THUNDER_GPU_TESTS PROPERTY STRINGS ON OFF AUTO)
mark_as_advanced(THUNDER_CUDA_KERNELS_ALSO_FOR THUNDER_RANDOM_PROGRAMS THUNDER_GPU_TESTS)

set(tests_dir "${PROJECT_SOURCE_DIR}/tests")
set(no_device 77)  # the exit status of a test that needs a device which is not there

add_library(thunder_test_main OBJECT "${tests_dir}/main.cpp")
target_link_libraries(thunder_test_main PUBLIC doctest::doctest)
target_compile_features(thunder_test_main PRIVATE cxx_std_20)

add_custom_target(test_gpu)  # the tests that use a GPU if there is one

# More than a third of the time that a .cu test takes to compile goes into what runs on the host: wasted where no GPU can run it.
set(kernels_only FALSE)
if(CMAKE_CUDA_COMPILER_LOADED AND THUNDER_GPU_TESTS STREQUAL "AUTO")
  execute_process(COMMAND nvidia-smi -L RESULT_VARIABLE failed OUTPUT_VARIABLE gpus ERROR_QUIET)
  if(failed OR NOT gpus MATCHES "GPU 0")
    set(kernels_only TRUE)
    message(STATUS "No GPU: of .cu tests that need one only the kernels are compiled (THUNDER_GPU_TESTS=ON: all of them)")
  endif()
elseif(NOT THUNDER_GPU_TESTS)
  set(kernels_only TRUE)
endif()
# These are programs everywhere: tests that check something without a GPU, and one that shows that g++ compiles what nvcc makes of the host's part.
set(whole "^executors/cuda/(batches|examine|programs).cu$")

# thunder_test_program(<target> <file name> <folder> <source>...)
function(thunder_test_program target file_name folder)
  thunder_program(${target} ${file_name} tests/${folder} ${ARGN})
  target_link_libraries(${target} PRIVATE thunder_test_main)
  if(folder STREQUAL "executors/cpu")  # the loops themselves, as they run
    target_compile_options(${target} PRIVATE "$<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CONFIG:Release>>:-O3>")
  endif()
  if(folder MATCHES "^examples")
    target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/examples")
    if(ZLIB_FOUND)
      target_link_libraries(${target} PRIVATE ZLIB::ZLIB)
    endif()
  endif()
endfunction()

set(gpu_code_only "__gpu_code(_[0-9]+)?$")  # targets of such files, alone or merged

# thunder_kernels(<target> <source>...): the GPU's code of tests for all CUDA_ARCHITECTURES, compiled and not linked.
function(thunder_kernels target)
  add_library(${target} OBJECT ${ARGN})
  target_link_libraries(${target} PRIVATE thunder::thunder thunder::cuda thunder_program doctest::doctest)
  target_compile_options(${target} PRIVATE -fatbin)
endfunction()

# thunder_test(<name> <target> <argument>...): a CTest test. If no test case ran, it has failed.
function(thunder_test name target)
  if(target MATCHES "${gpu_code_only}")
    add_test(NAME ${name} COMMAND "${CMAKE_COMMAND}" -E echo "no GPU: the kernels of this test were compiled, and not run")
    set_tests_properties(${name} PROPERTIES SKIP_REGULAR_EXPRESSION "^no GPU: ")
  else()
    add_test(NAME ${name} COMMAND ${target} ${ARGN} WORKING_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
    set_tests_properties(${name} PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE ${no_device} FAIL_REGULAR_EXPRESSION "test cases: +0 ")
  endif()
  if(name MATCHES "\\.cu$")
    set_tests_properties(${name} PROPERTIES LABELS cuda)
    add_dependencies(test_gpu ${target})
  endif()
endfunction()

# ---- one program per file, or per group of files -------------------------------------------------------------------

thunder_sources(sources "${tests_dir}/*.cpp" "${tests_dir}/*.cu")
list(FILTER sources EXCLUDE REGEX "/tests/(main\\.cpp$|compile_back/|compile_fail/|headers/|install/|link/|repro/)")
if(NOT ZLIB_FOUND)
  list(FILTER sources EXCLUDE REGEX "/tests/examples/(idx|png|plot)\\.cpp$")
endif()
# Not merged: files that share little with others, or would see names of headers that they do not include, or open a namespace of others,
# or include something under a condition.
set(alone examples/.* executors/cpu/region executors/cuda/emulated.* executors/cuda/steps.cu executors/cuda/sort.* examine/memory examine/stages examine/trace_file
          executors/reference interop/dlpack transforms/product_epilogues)
list(JOIN alone "|" alone)
set(every_kernel "^executors/cuda/(fused|steps|rope|wide_rows|products|scan|sort).cu$")  # these contain every kind of kernel
set(groups "")
foreach(source IN LISTS sources)
  cmake_path(RELATIVE_PATH source BASE_DIRECTORY "${tests_dir}" OUTPUT_VARIABLE path)
  cmake_path(GET path PARENT_PATH folder)
  cmake_path(GET path STEM LAST_ONLY stem)
  string(REGEX REPLACE "\\.cpp$" "" test "${path}")
  string(REPLACE "/" "." name "${test}")
  set(suffix "")
  if(kernels_only AND path MATCHES "\\.cu$" AND NOT test MATCHES "${whole}")
    set(suffix "__gpu_code")
  endif()
  if(THUNDER_MERGE_TESTS AND NOT test MATCHES "^(${alone})$")
    cmake_path(GET path EXTENSION LAST_ONLY group)
    if(test MATCHES "${every_kernel}")
      string(APPEND group "_every")
    endif()
    string(APPEND group "${suffix}")
    string(MAKE_C_IDENTIFIER "${folder}${group}" group)
    list(APPEND members_${group} "${source}")
    list(LENGTH members_${group} count)
    math(EXPR part "(${count} - 1) / ${THUNDER_MERGE_TESTS}")
    set(target "test_${group}_${part}")
    list(APPEND sources_${target} "${source}")
    if(NOT target IN_LIST groups)
      list(APPEND groups ${target})
    endif()
    thunder_test(${name} ${target} "--source-file=*/tests/${path}")
  else()
    string(MAKE_C_IDENTIFIER "test_${name}${suffix}" target)
    set(file_name "${stem}")
    if(path MATCHES "\\.cu$")
      string(APPEND file_name "_cu")
    endif()
    if(suffix)
      thunder_kernels(${target} "${source}")
    else()
      thunder_test_program(${target} ${file_name} "${folder}" "${source}")
    endif()
    if(test MATCHES "${every_kernel}")
      set_property(TARGET ${target} APPEND PROPERTY CUDA_ARCHITECTURES ${THUNDER_CUDA_KERNELS_ALSO_FOR})
    endif()
    thunder_test(${name} ${target})
  endif()
endforeach()
foreach(target IN LISTS groups)
  list(GET sources_${target} 0 first)
  cmake_path(RELATIVE_PATH first BASE_DIRECTORY "${tests_dir}" OUTPUT_VARIABLE folder)
  cmake_path(GET folder PARENT_PATH folder)
  cmake_path(GET first EXTENSION LAST_ONLY extension)
  set(source "${PROJECT_BINARY_DIR}/tests/merged/${target}${extension}")
  add_custom_command(OUTPUT "${source}" COMMAND "${Python3_EXECUTABLE}" "${tests_dir}/merge.py" "${source}" ${sources_${target}}
                     DEPENDS ${sources_${target}} "${tests_dir}/merge.py")
  if(target MATCHES "${gpu_code_only}")
    thunder_kernels(${target} "${source}")
  else()
    thunder_test_program(${target} ${target} "${folder}" "${source}")
  endif()
  if(target MATCHES "_cu_every")
    set_property(TARGET ${target} APPEND PROPERTY CUDA_ARCHITECTURES ${THUNDER_CUDA_KERNELS_ALSO_FOR})
  endif()
endforeach()

if(THUNDER_RANDOM_PROGRAMS GREATER 0)
  if(NOT TARGET test_executors_cuda_random_programs_cu)
    message(FATAL_ERROR "THUNDER_RANDOM_PROGRAMS needs nvcc, THUNDER_MERGE_TESTS=0 and, where there is no GPU, THUNDER_GPU_TESTS=ON")
  endif()
  math(EXPR last "(${THUNDER_RANDOM_PROGRAMS} + 7) / 8 * 8")
  foreach(first RANGE 8 ${last} 8)
    set(source "${PROJECT_BINARY_DIR}/tests/random_programs/from_${first}.cu")
    configure_file("${tests_dir}/executors/cuda/random_programs.cu.in" "${source}" @ONLY)
    target_sources(test_executors_cuda_random_programs_cu PRIVATE "${source}")
  endforeach()
endif()

# ---- several translation units in one program --------------------------------------------------------------------

file(GLOB folders CONFIGURE_DEPENDS "${tests_dir}/link/*")
foreach(folder IN LISTS folders)
  if(IS_DIRECTORY "${folder}")
    cmake_path(GET folder FILENAME name)
    thunder_sources(sources "${folder}/*.cpp" "${folder}/*.cu")
    file(GLOB device_sources CONFIGURE_DEPENDS "${folder}/*.cu")
    if(sources AND (CMAKE_CUDA_COMPILER_LOADED OR NOT device_sources))
      thunder_test_program(test_link_${name} ${name} link ${sources})
      thunder_test(link.${name} test_link_${name})
    endif()
  endif()
endforeach()

# ---- programs that must not compile ------------------------------------------------------------------------------

set(compilers "${CMAKE_CXX_COMPILER}")
if(THUNDER_COMPILE_FAIL_ALL)
  find_program(THUNDER_CLANGXX NAMES clang++ clang++-19 clang++-18 clang++-17 clang++-16 clang++-15 clang++-14)
  mark_as_advanced(THUNDER_CLANGXX)
  if(THUNDER_CLANGXX AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    list(APPEND compilers "${THUNDER_CLANGXX}")
  endif()
  if(CMAKE_CUDA_COMPILER_LOADED)
    list(APPEND compilers "${CMAKE_CUDA_COMPILER}")
  endif()
endif()
set(compiler_options "")
foreach(compiler IN LISTS compilers)
  list(APPEND compiler_options --compiler "${compiler}")
endforeach()
set(compile_fail "${Python3_EXECUTABLE}" "${tests_dir}/compile_fail.py" ${compiler_options})

file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${tests_dir}/compile_fail/*.cpp")
list(FILTER sources EXCLUDE REGEX "/compile_fail/selftest/")
foreach(compiler IN LISTS compilers)
  cmake_path(GET compiler STEM name)
  add_test(NAME compile_fail.${name} COMMAND "${Python3_EXECUTABLE}" "${tests_dir}/compile_fail.py" --compiler "${compiler}" --mistakes
                                             --include "${PROJECT_SOURCE_DIR}/include" ${sources})
  set_tests_properties(compile_fail.${name} PROPERTIES TIMEOUT 600)
endforeach()
add_test(NAME compile_fail.corrections COMMAND ${compile_fail} --corrections --include "${PROJECT_SOURCE_DIR}/include" ${sources})
set_tests_properties(compile_fail.corrections PROPERTIES TIMEOUT 300)
add_test(NAME compile_fail.selftest COMMAND ${compile_fail} --selftest "${tests_dir}/compile_fail/selftest")

# ---- programs that are printed as C++ and compiled back: compile_back, repro --------------------------------------

foreach(name IN ITEMS compile_back repro)
  set(source "${PROJECT_BINARY_DIR}/tests/${name}/printed.cpp")
  add_executable(test_${name}_generate "${tests_dir}/${name}/generate.cpp")
  add_custom_command(OUTPUT "${source}" COMMAND test_${name}_generate > "${source}" DEPENDS test_${name}_generate)
  add_executable(test_${name} "${source}")
  foreach(target IN ITEMS test_${name}_generate test_${name})
    target_link_libraries(${target} PRIVATE thunder::thunder)
    target_include_directories(${target} PRIVATE "${tests_dir}/${name}")
    target_compile_options(${target} PRIVATE -O0 -Wall -Wextra -Wconversion)  # compiling is what takes time
    set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/${name}")
  endforeach()
  add_test(NAME ${name} COMMAND test_${name})
endforeach()

# ---- documentation: what README.md and docs/ show is compiled and run ----------------------------------------------

set(extract "${Python3_EXECUTABLE}" "${tests_dir}/docs/extract.py")
file(GLOB all_pages CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/*.md" "${PROJECT_SOURCE_DIR}/docs/*.md")
file(GLOB pages CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/README.md" "${PROJECT_SOURCE_DIR}/docs/[0-9]*.md")
foreach(page IN LISTS pages)
  cmake_path(GET page STEM name)
  set(source "${PROJECT_BINARY_DIR}/tests/docs/${name}.cpp")
  add_custom_command(OUTPUT "${source}" COMMAND ${extract} source "${page}" "${source}" DEPENDS "${page}" "${tests_dir}/docs/extract.py")
  add_executable(docs_${name} "${source}")
  target_link_libraries(docs_${name} PRIVATE thunder::thunder)
  target_compile_options(docs_${name} PRIVATE -O0 -Wall -Wextra -Wconversion -Werror -Wno-unused "$<$<CXX_COMPILER_ID:GNU>:-Wno-psabi>")
  set_target_properties(docs_${name} PROPERTIES CXX_EXTENSIONS OFF RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/docs")
  add_test(NAME docs.${name} COMMAND ${extract} check "${page}" "$<TARGET_FILE:docs_${name}>" -- "${CMAKE_CXX_COMPILER}" -std=c++20
                                     -isystem "${OpenBLAS_INCLUDE_DIR}" "-I${PROJECT_SOURCE_DIR}/include")
  set_tests_properties(docs.${name} PROPERTIES TIMEOUT 120)
  file(STRINGS "${page}" cuda_blocks REGEX "^```cpp cuda")
  if(cuda_blocks AND CMAKE_CUDA_COMPILER_LOADED)  # compiled, and not run
    set(source "${PROJECT_BINARY_DIR}/tests/docs/${name}.cu")
    add_custom_command(OUTPUT "${source}" COMMAND ${extract} source "${page}" "${source}" DEPENDS "${page}" "${tests_dir}/docs/extract.py")
    add_library(docs_${name}_cuda OBJECT "${source}")
    target_link_libraries(docs_${name}_cuda PRIVATE thunder::thunder)
  endif()
endforeach()
add_test(NAME docs.rules COMMAND ${extract} rules ${all_pages})
add_test(NAME docs.lines COMMAND "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/scripts/lines.py" --check)
add_test(NAME docs.selftest COMMAND ${extract} selftest "${CMAKE_CXX_COMPILER}")

# ---- the size of a small program, unstripped ------------------------------------------------------------------------

if(TARGET example_hello_world AND CMAKE_BUILD_TYPE STREQUAL "Release")
  add_test(NAME hello_world.size COMMAND "${CMAKE_COMMAND}" -D "file=$<TARGET_FILE:example_hello_world>" -D most=2000000 -P "${tests_dir}/size.cmake")
endif()

# ---- headers, layers, installation -------------------------------------------------------------------------------

set(cuda_include "")
if(CMAKE_CUDA_COMPILER_LOADED)
  string(REPLACE ";" "$<SEMICOLON>" cuda_folders "${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES}")
  set(cuda_include --system-include "${cuda_folders}")
endif()
add_test(NAME headers COMMAND "${Python3_EXECUTABLE}" "${tests_dir}/headers/headers.py" --compiler "${CMAKE_CXX_COMPILER}"
                              --system-include "${OpenBLAS_INCLUDE_DIR}" ${cuda_include} "${PROJECT_SOURCE_DIR}/include")
set_tests_properties(headers PROPERTIES TIMEOUT 600 PROCESSORS 2)
add_test(NAME layering COMMAND "${Python3_EXECUTABLE}" "${tests_dir}/layering.py" "${PROJECT_SOURCE_DIR}/include/thunder")
add_test(NAME layering.selftest COMMAND "${Python3_EXECUTABLE}" "${tests_dir}/layering.py" --selftest)

if(THUNDER_INSTALL)
  add_test(NAME install
           COMMAND "${CMAKE_COMMAND}" -D "source=${PROJECT_SOURCE_DIR}" -D "build=${PROJECT_BINARY_DIR}" -D
                   "scratch=${PROJECT_BINARY_DIR}/tests/install" -D "compiler=${CMAKE_CXX_COMPILER}" -D
                   "generator=${CMAKE_GENERATOR}" -D "python=${Python3_EXECUTABLE}" -P "${tests_dir}/install/run.cmake")
  add_test(NAME install.vcpkg
           COMMAND "${CMAKE_COMMAND}" -D "source=${PROJECT_SOURCE_DIR}" -D "scratch=${PROJECT_BINARY_DIR}/tests/install_vcpkg" -D
                   "compiler=${CMAKE_CXX_COMPILER}" -D "generator=${CMAKE_GENERATOR}" -P "${tests_dir}/install/vcpkg.cmake")
  find_program(THUNDER_CONAN conan)
  mark_as_advanced(THUNDER_CONAN)
  add_test(NAME install.conan
           COMMAND "${CMAKE_COMMAND}" -D "source=${PROJECT_SOURCE_DIR}" -D "scratch=${PROJECT_BINARY_DIR}/tests/install_conan" -D
                   "conan=${THUNDER_CONAN}" -D "compiler=${CMAKE_CXX_COMPILER}" -P "${tests_dir}/install/conan.cmake")
  set_tests_properties(install install.vcpkg install.conan PROPERTIES TIMEOUT 300)
  set_tests_properties(install.conan PROPERTIES SKIP_REGULAR_EXPRESSION "Conan is not installed")
endif()
