# Runs the steps of the vcpkg port with the few functions of vcpkg that it uses, written down here, and builds consumers of what it installs.
# vcpkg itself is not needed, and its own checks of a port do not run.
# cmake -D source=.. -D scratch=.. -D compiler=.. -D generator=.. -P vcpkg.cmake
include("${CMAKE_CURRENT_LIST_DIR}/run_command.cmake")

# What vcpkg sets.
set(port_dir "${source}/packaging/vcpkg")
file(READ "${port_dir}/vcpkg.json" manifest)
string(JSON PORT GET "${manifest}" name)
string(JSON version GET "${manifest}" version)
set(CURRENT_PORT_DIR "${port_dir}")
set(CURRENT_PACKAGES_DIR "${scratch}/packages/${PORT}_x64-linux")
set(CURRENT_BUILDTREES_DIR "${scratch}/buildtrees/${PORT}")
file(REMOVE_RECURSE "${scratch}")

function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "SOURCE_PATH" "OPTIONS")
  if(arg_UNPARSED_ARGUMENTS OR NOT VCPKG_BUILD_TYPE STREQUAL "release")
    message(FATAL_ERROR "this test knows ports for release builds with SOURCE_PATH and OPTIONS, not ${arg_UNPARSED_ARGUMENTS}")
  endif()
  run("${CMAKE_COMMAND}" -S "${arg_SOURCE_PATH}" -B "${CURRENT_BUILDTREES_DIR}" -G "${generator}" -D CMAKE_BUILD_TYPE=Release -D
      "CMAKE_CXX_COMPILER=${compiler}" -D "CMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR}" ${arg_OPTIONS})
endfunction()
function(vcpkg_cmake_install)
  run("${CMAKE_COMMAND}" --build "${CURRENT_BUILDTREES_DIR}" --target install)
endfunction()
function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "FILE_LIST")
  file(INSTALL ${arg_FILE_LIST} DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
  file(RENAME "${CURRENT_PACKAGES_DIR}/share/${PORT}/LICENSE" "${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright")
endfunction()

include("${port_dir}/portfile.cmake")

# What vcpkg asks of a package: headers, and nothing outside of include/ and share/PORT.
foreach(file include/thunder/thunder.hpp share/${PORT}/thunderConfig.cmake share/${PORT}/usage share/${PORT}/copyright)
  if(NOT EXISTS "${CURRENT_PACKAGES_DIR}/${file}")
    message(FATAL_ERROR "the port does not install ${file}")
  endif()
endforeach()
file(GLOB entries RELATIVE "${CURRENT_PACKAGES_DIR}" "${CURRENT_PACKAGES_DIR}/*" "${CURRENT_PACKAGES_DIR}/share/*")
list(SORT entries)
if(NOT entries STREQUAL "include;share;share/${PORT}")
  message(FATAL_ERROR "the port installs ${entries}")
endif()
file(STRINGS "${source}/CMakeLists.txt" project REGEX "^project\\(thunder VERSION ${version} ")
if(NOT project)
  message(FATAL_ERROR "packaging/vcpkg/vcpkg.json has version ${version}, which is not that of CMakeLists.txt")
endif()

file(COPY "${source}/tests/install/" DESTINATION "${scratch}/consumer")
run("${CMAKE_COMMAND}" -S "${scratch}/consumer" -B "${scratch}/build" -G "${generator}" -D "CMAKE_CXX_COMPILER=${compiler}" -D
    "CMAKE_PREFIX_PATH=${CURRENT_PACKAGES_DIR}")
run("${CMAKE_COMMAND}" --build "${scratch}/build")
run("${scratch}/build/traces")
run("${scratch}/build/whole")
message(STATUS "vcpkg's port: installed, built and ran")
