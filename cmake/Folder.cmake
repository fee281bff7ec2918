# mtesim_library(<name> [USES <name>...] [EXTERNAL <target>...])
#
# The folder of this CMakeLists.txt as one library, mtesim::<name>, of all its .cpp files but main.cpp. USES are the
# folders whose headers it may include; tests/tidy/arrows.py holds it to that. EXTERNAL are libraries not our own.
function(mtesim_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES;EXTERNAL")
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  file(GLOB headers CONFIGURE_DEPENDS *.h)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")

  set(target mtesim_${name})
  set(scope PUBLIC)
  if(sources)
    add_library(${target} STATIC ${sources})
  else()
    set(scope INTERFACE)  # headers only
    add_library(${target} INTERFACE)
  endif()
  add_library(mtesim::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})

  # Includes are written from the root, here and in an installed copy.
  target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}" FILES ${headers})
  target_compile_features(${target} ${scope} cxx_std_20)
  list(TRANSFORM arg_USES PREPEND mtesim::)
  target_link_libraries(${target} ${scope} ${arg_USES} ${arg_EXTERNAL})
endfunction()
