# Headers, the two targets (thunder::ir in an export of its own, so that it works where OpenBLAS is not installed), and
# the package files that find_package(thunder) reads.
include(CMakePackageConfigHelpers)
set(THUNDER_CMAKE_DIR "${CMAKE_INSTALL_DATADIR}/cmake/thunder" CACHE STRING "Where the package files are installed, below the prefix")
mark_as_advanced(THUNDER_CMAKE_DIR)

install(DIRECTORY include/thunder DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(TARGETS thunder_ir EXPORT thunderIrTargets)
install(TARGETS thunder EXPORT thunderTargets)
install(EXPORT thunderIrTargets NAMESPACE thunder:: DESTINATION "${THUNDER_CMAKE_DIR}")
install(EXPORT thunderTargets NAMESPACE thunder:: DESTINATION "${THUNDER_CMAKE_DIR}")

configure_package_config_file(cmake/thunderConfig.cmake.in "${PROJECT_BINARY_DIR}/thunderConfig.cmake"
                              INSTALL_DESTINATION "${THUNDER_CMAKE_DIR}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/thunderConfigVersion.cmake" COMPATIBILITY SameMinorVersion
                                 ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/thunderConfig.cmake" "${PROJECT_BINARY_DIR}/thunderConfigVersion.cmake"
              cmake/FindOpenBLAS.cmake cmake/cuda_target.cmake DESTINATION "${THUNDER_CMAKE_DIR}")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")
