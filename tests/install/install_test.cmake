# Installs a built mtesim under WORK, and builds and runs the consumer against nothing but that copy.

function(step)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status STREQUAL "0")
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "${command}\nexit status ${status}\n${output}")
  endif()
endfunction()

file(REMOVE_RECURSE "${WORK}")
set(prefix "${WORK}/prefix")
step("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${prefix}")

file(GLOB_RECURSE installed "${prefix}/*.cmake")
foreach(file IN LISTS installed)
  file(READ "${file}" text)
  foreach(path "${SOURCE}" "${BUILD}")
    string(FIND "${text}" "${path}" place)
    if(NOT place EQUAL -1)
      message(FATAL_ERROR "${file} names ${path}: the installed copy cannot be moved to another machine")
    endif()
  endforeach()
endforeach()

step("${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${CMAKE_CURRENT_LIST_DIR}/consumer" -B "${WORK}/consumer"
     -D "CMAKE_PREFIX_PATH=${prefix}" -D "CMAKE_CXX_COMPILER=${COMPILER}" -D "CMAKE_CXX_FLAGS=${FLAGS}")
step("${CMAKE_COMMAND}" --build "${WORK}/consumer")
step("${WORK}/consumer/consumer")
