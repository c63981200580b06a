# llama.cpp as one imported target, redraft_llama, from the install tree in REDRAFT_LLAMA. Also part of the installed
# package, where REDRAFT_LLAMA is the folder that the archives were copied to.
if(NOT EXISTS "${REDRAFT_LLAMA}/lib/libllama.a")
  message(FATAL_ERROR "No llama.cpp in REDRAFT_LLAMA='${REDRAFT_LLAMA}'; run ./dev setup, which fetches and builds it")
endif()
if(NOT TARGET redraft_llama)
  find_package(Threads REQUIRED)
  add_library(redraft_llama INTERFACE IMPORTED)
  set_target_properties(redraft_llama PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${REDRAFT_LLAMA}/include/llama")
  set(archives llama_extras llama ggml ggml-cpu ggml-base)
  list(TRANSFORM archives REPLACE "(.+)" "${REDRAFT_LLAMA}/lib/lib\\1.a")
  # The CPU backend and the registry of backends name each other, hence a group.
  set_target_properties(redraft_llama PROPERTIES INTERFACE_LINK_LIBRARIES
    "-Wl,--start-group;${archives};-Wl,--end-group;Threads::Threads;${CMAKE_DL_LIBS}")
endif()
