# The core as a package: find_package(mtesim), then link mtesim::fs_models, mtesim::run, mtesim::check, ...
# The other folders are not in it: what they need (JSON, a command line) is no business of a library's user.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/mtesim")

foreach(folder IN LISTS MTESIM_CORE)
  cmake_path(GET folder FILENAME name)
  install(TARGETS mtesim_${name} EXPORT mtesimTargets
          FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/mtesim")
endforeach()
install(EXPORT mtesimTargets NAMESPACE mtesim:: DESTINATION "${package_dir}")

configure_package_config_file(cmake/mtesimConfig.cmake.in "${PROJECT_BINARY_DIR}/mtesimConfig.cmake"
                              INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/mtesimConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/mtesimConfig.cmake" "${PROJECT_BINARY_DIR}/mtesimConfigVersion.cmake"
        DESTINATION "${package_dir}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
