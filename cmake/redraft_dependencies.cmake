# Everything redraft uses that it did not write. Debian's packages carry all of it but llama.cpp; `./dev setup` installs them.
find_package(Threads REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(SQLiteCpp REQUIRED)
find_package(CURL REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(CLI11 2.1 REQUIRED)
include(redraft_llama)

# toml++ as headers only, and as values instead of exceptions. Debian's own target would link its shared library.
find_path(REDRAFT_TOML_INCLUDE toml++/toml.h REQUIRED)
add_library(redraft_toml INTERFACE)
target_include_directories(redraft_toml SYSTEM INTERFACE "${REDRAFT_TOML_INCLUDE}")
target_compile_definitions(redraft_toml INTERFACE TOML_HEADER_ONLY=1 TOML_EXCEPTIONS=0)

# Debian's package has no description for CMake.
find_path(REDRAFT_HTTPLIB_INCLUDE httplib.h REQUIRED)
find_library(REDRAFT_HTTPLIB NAMES cpp-httplib REQUIRED)
add_library(redraft_httplib INTERFACE)
target_include_directories(redraft_httplib SYSTEM INTERFACE "${REDRAFT_HTTPLIB_INCLUDE}")
target_link_libraries(redraft_httplib INTERFACE "${REDRAFT_HTTPLIB}")
