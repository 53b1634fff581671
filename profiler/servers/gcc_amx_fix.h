/* Lets llama.cpp use AMX when it is compiled by GCC 12 and others.

   Their _tile_loadconfig declares 8 of the 64 bytes that the instruction reads, so the
   optimiser drops the rest of the configuration, and the first tile instruction dies with SIGILL
   (https://github.com/ggml-org/llama.cpp/pull/26954). Switching AMX off instead would make processors that
   have it look slower than they are.

   Force it in when building the engine:  CXXFLAGS="-include '/path/to/gcc_amx_fix.h'" */
#if defined(__AMX_TILE__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>

static inline void aforo_tile_loadconfig(const void *config) {
    __asm__ volatile("ldtilecfg %0" : : "m"(*(const unsigned char(*)[64])config));
}
#define _tile_loadconfig aforo_tile_loadconfig
#endif
