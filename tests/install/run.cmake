# Run by ctest as install/consumer: installs BUILD into a folder of its own, configures and builds the consumer project
# against that tree, and runs it. The consumer must see nothing of the source tree, so only the prefix is handed over.
set(prefix "${BUILD}/install_test/prefix")
set(work "${BUILD}/install_test/consumer")
file(REMOVE_RECURSE "${prefix}" "${work}")

function(step)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(failed)
    list(JOIN ARGV " " command)
    message("${output}")
    message(FATAL_ERROR "'${command}' ended with ${failed}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

set(sanitize "")
if(SANITIZE)
  set(sanitize "-fsanitize=${SANITIZE}")
endif()
step("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${prefix}")
step("${CMAKE_COMMAND}" -G Ninja -S "${SOURCE}" -B "${work}" "-DCMAKE_PREFIX_PATH=${prefix}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
     "-DCMAKE_CXX_FLAGS=${sanitize}")
step("${CMAKE_COMMAND}" --build "${work}")
step("${work}/consumer")
message("${output}")

# The program that was installed runs too, and knows its version.
if(EXISTS "${prefix}/bin/redraft")
  step("${prefix}/bin/redraft" --version)
  if(NOT output MATCHES "${VERSION}")
    message(FATAL_ERROR "the installed redraft --version printed '${output}', not ${VERSION}")
  endif()
endif()
