# Headers, the two targets (thunder::ir in an export of its own, so that it works where OpenBLAS is not installed), and
# the package files that find_package(thunder) reads.
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_DATADIR}/cmake/thunder")

install(DIRECTORY include/thunder DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(TARGETS thunder_ir EXPORT thunderIrTargets)
install(TARGETS thunder EXPORT thunderTargets)
install(EXPORT thunderIrTargets NAMESPACE thunder:: DESTINATION "${package_dir}")
install(EXPORT thunderTargets NAMESPACE thunder:: DESTINATION "${package_dir}")

configure_package_config_file(cmake/thunderConfig.cmake.in "${PROJECT_BINARY_DIR}/thunderConfig.cmake"
                              INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/thunderConfigVersion.cmake" COMPATIBILITY SameMinorVersion
                                 ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/thunderConfig.cmake" "${PROJECT_BINARY_DIR}/thunderConfigVersion.cmake"
              cmake/FindOpenBLAS.cmake cmake/cuda_target.cmake DESTINATION "${package_dir}")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")
