# Everything is looked for before anything is said, so that one message names all that is missing.
# A macro, not a function: what find_package() sets has to reach the top level.

set(missing "")
set(missing_packages "")
file(STRINGS "${PROJECT_SOURCE_DIR}/packages/debian-12.txt" debian_packages REGEX "^[a-z]")

macro(mtesim_need package debian_package)  # further arguments go to find_package()
  if(NOT "${debian_package}" IN_LIST debian_packages)
    message(FATAL_ERROR "packages/debian-12.txt does not list ${debian_package}, which ${package} comes from")
  endif()
  find_package(${package} ${ARGN} QUIET)
  if(NOT ${package}_FOUND)
    list(APPEND missing ${package})
    list(APPEND missing_packages ${debian_package})
  endif()
endmacro()

mtesim_need(Boost libboost-dev 1.74 CONFIG)
if(NOT MTESIM_CORE_ONLY)
  mtesim_need(CLI11 libcli11-dev)
  mtesim_need(fmt libfmt-dev)
  mtesim_need(nlohmann_json nlohmann-json3-dev)
  mtesim_need(spdlog libspdlog-dev)
  mtesim_need(valijson libvalijson-dev)
  mtesim_need(xxHash libxxhash-dev)
endif()
if(MTESIM_TESTS AND NOT MTESIM_CORE_ONLY AND NOT MTESIM_FUZZER)
  mtesim_need(Catch2 catch2 2)  # version 2: <catch2/catch.hpp>
  mtesim_need(Python3 python3 COMPONENTS Interpreter)
  mtesim_need(rapidcheck librapidcheck-dev)
endif()

if(missing)
  list(JOIN missing ", " missing)
  list(JOIN missing_packages " " missing_packages)
  list(JOIN debian_packages " " debian_packages)
  message(FATAL_ERROR
    "mtesim needs what is not installed here: ${missing}.\n"
    "On Debian 12 these packages bring it:\n"
    "  sudo apt-get install --no-install-recommends ${missing_packages}\n"
    "and these are all that its build, its tests and its checks use (packages/debian-12.txt; ./dev setup):\n"
    "  sudo apt-get install --no-install-recommends ${debian_packages}\n"
    "Elsewhere, see CMake's CMAKE_PREFIX_PATH for libraries in unusual places.\n")
endif()
