# One scenario against its expectations and its golden report. Started at the root, so that the report names paths as
# a user sees them.
#   cmake -D PROGRAM=... -D SCENARIO=scenarios/x/y.json -P golden.cmake

execute_process(COMMAND "${PROGRAM}" promote --verify "${SCENARIO}"
                OUTPUT_VARIABLE report ERROR_VARIABLE errors RESULT_VARIABLE status)
if(NOT status STREQUAL "0")
  message(FATAL_ERROR "${report}${errors}")
endif()
