# Joins the folders' object libraries into libtutti (shared: what users link) and tutti_static (static,
# nothing hidden: what tests of the inside link). Linking an object library takes its objects and its
# link dependencies, so both libraries carry what the folders need.
function(tutti_join)
  get_property(folders GLOBAL PROPERTY TUTTI_FOLDERS)
  set(exports ${PROJECT_SOURCE_DIR}/cmake/tutti.map)

  add_library(tutti SHARED)
  add_library(tutti::tutti ALIAS tutti)
  target_link_libraries(tutti PRIVATE ${folders})
  target_link_options(tutti PRIVATE -Wl,--version-script=${exports} -Wl,--no-undefined)
  set_target_properties(tutti PROPERTIES
    VERSION ${PROJECT_VERSION} SOVERSION ${TUTTI_ABI} LINK_DEPENDS ${exports} LINKER_LANGUAGE CXX)

  add_library(tutti_static STATIC)
  target_link_libraries(tutti_static PUBLIC ${folders})
  set_target_properties(tutti_static PROPERTIES LINKER_LANGUAGE CXX)

  foreach(library tutti tutti_static)
    target_include_directories(${library} PUBLIC
      $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
      $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  endforeach()
endfunction()
