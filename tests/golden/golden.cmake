# One scenario against its golden report. Started at the root, so that the report names paths as a user sees them.
#   cmake -D PROGRAM=... -D SCENARIO=scenarios/x/y.json -P golden.cmake

execute_process(COMMAND "${PROGRAM}" batch "${SCENARIO}"
                OUTPUT_VARIABLE report ERROR_VARIABLE errors RESULT_VARIABLE status)
if(NOT status STREQUAL "0")
  message(FATAL_ERROR "mtesim batch ${SCENARIO}: exit status ${status}\n${report}${errors}")
endif()

string(REGEX REPLACE "json$" "golden.txt" golden "${SCENARIO}")
if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${golden}")
  return()
endif()
execute_process(COMMAND "${CMAKE_COMMAND}" -E cat "${golden}" OUTPUT_VARIABLE wanted)
if(NOT report STREQUAL wanted)
  message(FATAL_ERROR "${golden} says:\n${wanted}\nmtesim batch says:\n${report}\n"
                      "If the change is meant: mtesim promote ${SCENARIO}, and read the diff.")
endif()
