# redraft_library(<folder> [ALONE] [DEPS <folders>] [LINK <targets>] [LINK_PUBLIC <targets>]): the target redraft_<folder> from
# src/<folder>/*.cc, and redraft_<folder>_test from src/<folder>/*_test.cc. A folder without sources makes no target, and
# DEPS that made none are left out, so a folder joins the build when its first file appears. LINK stays private: only that
# folder sees those headers. ALONE is for the tests, see redraft_test.
function(redraft_library folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "ALONE" "" "DEPS;LINK;LINK_PUBLIC")
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${folder}/*.cc")
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  if(NOT sources)
    return()
  endif()

  set(target redraft_${folder})
  add_library(${target} STATIC ${sources})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE "${PROJECT_SOURCE_DIR}/src")
  redraft_targets(deps ${arg_DEPS})
  target_link_libraries(${target} PUBLIC ${deps} ${arg_LINK_PUBLIC} PRIVATE ${arg_LINK} $<BUILD_INTERFACE:redraft_options>)
  set_property(GLOBAL APPEND PROPERTY redraft_libraries ${target})

  if(tests AND REDRAFT_TESTS)
    set(alone "")
    if(arg_ALONE)
      set(alone ALONE)
    endif()
    redraft_test(${target}_test ${alone} LABEL ${folder} SOURCES ${tests} LINK ${target} ${arg_LINK})
  endif()
endfunction()

# redraft_executable(<target> <folder> [DEPS <folders>] [LINK <targets>]): a program from <folder>/*.cc, put at the top of
# the build folder.
function(redraft_executable target folder)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "DEPS;LINK")
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*.cc")
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  if(NOT sources)
    return()
  endif()
  add_executable(${target} ${sources})
  redraft_targets(deps ${arg_DEPS})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE ${deps} ${arg_LINK} redraft_options)
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
endfunction()

# redraft_test(<target> [ALONE] LABEL <label> SOURCES <files> LINK <targets>): a GoogleTest program whose tests ctest knows
# one by one. All may include tests/support/*.h. ALONE keeps others from running beside them: the embedded model's threads
# wait for one another in a spin, and crawl when they have to share their cores.
function(redraft_test target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "ALONE" "LABEL" "SOURCES;LINK")
  find_package(GTest 1.12 REQUIRED)
  include(GoogleTest)
  add_executable(${target} ${arg_SOURCES})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/tests" "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE ${arg_LINK} redraft_options GTest::gtest GTest::gtest_main)
  target_compile_definitions(${target} PRIVATE
    REDRAFT_SOURCE_DIR="${PROJECT_SOURCE_DIR}" REDRAFT_BINARY="${PROJECT_BINARY_DIR}/redraft")
  set(alone OFF)
  if(arg_ALONE)
    set(alone ON)
  endif()
  gtest_discover_tests(${target} TEST_PREFIX "${arg_LABEL}/" DISCOVERY_MODE PRE_TEST
    WORKING_DIRECTORY "${PROJECT_BINARY_DIR}"
    PROPERTIES LABELS ${arg_LABEL} RUN_SERIAL ${alone} TIMEOUT 600 ENVIRONMENT "${REDRAFT_TEST_ENVIRONMENT}"
      ENVIRONMENT_MODIFICATION "REDRAFT_CACHE=set:${PROJECT_BINARY_DIR}/cache")  # not the developer's own
endfunction()

# The targets redraft_<folder> among the folders given that exist.
function(redraft_targets out)
  set(found "")
  foreach(folder IN LISTS ARGN)
    if(TARGET redraft_${folder})
      list(APPEND found redraft_${folder})
    endif()
  endforeach()
  set(${out} ${found} PARENT_SCOPE)
endfunction()
