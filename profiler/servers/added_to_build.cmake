# Read by CMake after project(llama.cpp). With AFORO_SHORTEN, for the source that llama_build.py pins, it compiles the files of
# a group as one, which read the same large headers, and optimises less what runs at a server's start only, or for images and
# tools; what runs for each request or token keeps the options of llama.cpp. Where a compiler does not take it, the build goes
# on without.

set(AFORO_FOLDER ${CMAKE_CURRENT_LIST_DIR})

function(aforo_group directory target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  set(count 0)
  foreach(file IN LISTS ARGN)
    math(EXPR group "${count} / 8") # more at a time take over a gigabyte of memory
    math(EXPR count "${count} + 1")
    set_source_files_properties(
      ${CMAKE_SOURCE_DIR}/${directory}/${file}
      DIRECTORY ${CMAKE_SOURCE_DIR}/${directory}
      PROPERTIES UNITY_GROUP ${target}${group})
  endforeach()
endfunction()

# Compiles files of a target with -O1: the last option wins.
function(aforo_seldom_run directory target)
  get_target_property(sources ${target} SOURCES)
  list(TRANSFORM ARGN PREPEND ${CMAKE_SOURCE_DIR}/${directory}/ OUTPUT_VARIABLE paths)
  list(REMOVE_ITEM sources ${ARGN} ${paths})
  set_property(TARGET ${target} PROPERTY SOURCES ${sources})
  add_library(${target}-seldom-run OBJECT ${paths})
  target_include_directories(${target}-seldom-run PRIVATE $<TARGET_PROPERTY:${target},INCLUDE_DIRECTORIES>)
  target_compile_definitions(${target}-seldom-run PRIVATE $<TARGET_PROPERTY:${target},COMPILE_DEFINITIONS>)
  target_compile_options(${target}-seldom-run PRIVATE -O1)
  set_target_properties(${target}-seldom-run PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:${target}-seldom-run>)
endfunction()

function(aforo_shorten)
  aforo_seldom_run(common llama-common
    parsers/parsers.cpp parsers/cohere2moe.cpp parsers/deepseek.cpp parsers/functionary-v3-2.cpp parsers/gemma4.cpp
    parsers/gigachat-v3.cpp parsers/gpt-oss.cpp parsers/kimi-k2.cpp
    parsers/kimi-k3.cpp parsers/ling3.cpp parsers/lfm2.cpp parsers/minicpm5.cpp parsers/minimax-m3.cpp
    parsers/ministral3.cpp parsers/muse-glimmer.cpp parsers/qwen3-coder.cpp
    arg.cpp chat-auto-parser-generator.cpp chat-auto-parser-helpers.cpp chat-diff-analyzer.cpp console.cpp download.cpp
    hf-cache.cpp preset.cpp)
  aforo_seldom_run(tools/server server-context server-tools.cpp server-mcp.cpp)
  aforo_seldom_run(tools/server llama-server-impl server-models.cpp)
  target_compile_options(mtmd PRIVATE -O0) # images and sound, which no workload sends
  aforo_group(common llama-common
    chat-peg-parser.cpp chat.cpp common.cpp
    llguidance.cpp log.cpp ngram-cache.cpp ngram-map.cpp ngram-mod.cpp peg-parser.cpp reasoning-budget.cpp
    sampling.cpp speculative.cpp subproc.cpp trie.cpp unicode.cpp jinja/lexer.cpp jinja/parser.cpp jinja/runtime.cpp
    jinja/value.cpp jinja/string.cpp jinja/caps.cpp)
  aforo_group(tools/server server-context
    server-chat.cpp server-task.cpp server-queue.cpp server-common.cpp server-context.cpp server-stream.cpp)
  file(GLOB encoders RELATIVE ${CMAKE_SOURCE_DIR}/tools/mtmd ${CMAKE_SOURCE_DIR}/tools/mtmd/models/*.cpp)
  aforo_group(tools/mtmd mtmd ${encoders})
  aforo_group(tools/server llama-server-impl server.cpp server-http.cpp)
endfunction()

function(aforo_add)
  if(TARGET llama-perplexity)
    target_sources(llama-perplexity PRIVATE ${AFORO_FOLDER}/flush_log.cpp)
  endif()
endfunction()

if(AFORO_SHORTEN)
  cmake_language(DEFER DIRECTORY ${CMAKE_SOURCE_DIR} CALL aforo_shorten)
endif()
cmake_language(DEFER DIRECTORY ${CMAKE_SOURCE_DIR} CALL aforo_add)
