# Each bench/**/NAME.cpp and .cu is the program build/bench/**/NAME, which prints its figures. (What bench/compile times
# is the compiler itself: its files are inputs, and a script beside them runs it.) What runs on a GPU only is built by the target
# bench_gpu; scripts/gpu.sh does it.
add_custom_target(bench_gpu)
thunder_sources(sources "${PROJECT_SOURCE_DIR}/bench/*.cpp" "${PROJECT_SOURCE_DIR}/bench/*.cu")
list(FILTER sources EXCLUDE REGEX "/bench/compile/")
foreach(source IN LISTS sources)
  cmake_path(RELATIVE_PATH source BASE_DIRECTORY "${PROJECT_SOURCE_DIR}/bench" OUTPUT_VARIABLE path)
  cmake_path(GET path PARENT_PATH folder)
  cmake_path(GET path STEM name)
  string(MAKE_C_IDENTIFIER "bench_${path}" target)
  thunder_program(${target} ${name} bench/${folder} ${source})
  if(source MATCHES "\\.cu$")
    set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON)
    add_dependencies(bench_gpu ${target})
  endif()
endforeach()
