# `cmake --install`: the program, the public headers, the static libraries, llama.cpp's archives and a package file, so that
# find_package(redraft CONFIG REQUIRED) and target_link_libraries(app redraft::redraft) are all a user writes. What comes
# from Debian's packages (fmt, nlohmann-json, SQLite, curl, OpenSSL) is found again there, not copied.
include(CMakePackageConfigHelpers)

get_property(libraries GLOBAL PROPERTY redraft_libraries)
if(NOT libraries)
  return()
endif()

add_library(redraft_everything INTERFACE)
add_library(redraft::redraft ALIAS redraft_everything)
target_link_libraries(redraft_everything INTERFACE ${libraries})
set_target_properties(redraft_everything PROPERTIES EXPORT_NAME redraft)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/redraft")
set(llama_dir "${CMAKE_INSTALL_LIBDIR}/redraft/llama")
if(TARGET redraft)
  install(TARGETS redraft RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT program)
endif()
install(TARGETS ${libraries} redraft_everything EXPORT redraft_targets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}/redraft" COMPONENT development)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/redraft" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development
  FILES_MATCHING PATTERN "*.h")
install(DIRECTORY "${REDRAFT_LLAMA}/lib" "${REDRAFT_LLAMA}/share" DESTINATION "${llama_dir}" COMPONENT development)
install(EXPORT redraft_targets NAMESPACE redraft:: DESTINATION "${package_dir}" COMPONENT development)
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/redraft-config.cmake.in"
  "${PROJECT_BINARY_DIR}/redraft-config.cmake" INSTALL_DESTINATION "${package_dir}" PATH_VARS llama_dir)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/redraft-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/redraft-config.cmake" "${PROJECT_BINARY_DIR}/redraft-config-version.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/redraft_llama.cmake" DESTINATION "${package_dir}" COMPONENT development)
