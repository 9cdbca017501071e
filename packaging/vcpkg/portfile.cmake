# An overlay port of the tree that it lies in: vcpkg install thunder --overlay-ports=packaging/vcpkg
set(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../..")
set(VCPKG_BUILD_TYPE release)  # headers: there is nothing to debug
vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS -DTHUNDER_BUILD_TESTS=OFF -DTHUNDER_BUILD_EXAMPLES=OFF -DTHUNDER_BUILD_BENCH=OFF -DTHUNDER_INSTALL=ON
          "-DTHUNDER_CMAKE_DIR=share/${PORT}")
vcpkg_cmake_install()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/share/doc")  # the licence, which vcpkg keeps elsewhere
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
