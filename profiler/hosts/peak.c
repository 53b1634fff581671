/* How many operations per second this processor's arithmetic reaches, by type; roofline.py compiles and runs it.
 *
 *     peak TYPE THREADS PASSES MILLISECONDS
 *
 * prints a line per pass, "KERNEL OPERATIONS NANOSECONDS", and nothing where no instruction for TYPE was compiled in.
 * Each thread repeats one instruction on registers only, in enough independent chains to hide its latency. A
 * multiply-add counts as two operations. The fastest instruction that the compiler's target has is taken; names and
 * shapes follow the Intel Intrinsics Guide and the Arm C Language Extensions (ACLE).
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* Chains enough for units x latency, few enough for the registers: on x86 2 x 5 and 16 registers, on Arm's servers
 * 4 x 4 (Arm Neoverse V1 Software Optimization Guide: FMLA) and 32 registers. */
#define TWELVE(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#if defined(__aarch64__)
#define CHAINS 20
#define EACH(DO) TWELVE(DO) DO(12) DO(13) DO(14) DO(15) DO(16) DO(17) DO(18) DO(19)
#else
#define CHAINS 12
#define EACH(DO) TWELVE(DO)
#endif

static volatile int64_t sink;
static volatile float seed = 0.5f; /* not known to the compiler, or it would compute the loops itself */

/* KERNEL(name, vector type, value of a chain at its start, one step of it): `rounds` steps of every chain. */
#define DECLARE(n) V c##n = START(n);
#define ADVANCE(n) c##n = STEP(c##n);
#define COLLECT(n) memcpy(&word, &c##n, sizeof word); total += word;
#define LOOP                                                   \
    EACH(DECLARE)                                              \
    for (int64_t i = 0; i < rounds; i++) {                     \
        EACH(ADVANCE)                                          \
    }                                                          \
    int64_t total = 0, word = 0;                               \
    EACH(COLLECT)                                              \
    sink = total;

typedef struct {
    const char *type, *name;
    int64_t operations; /* of one round of all chains */
    void (*run)(int64_t rounds);
    int (*prepare)(void); /* returns 0 where the system forbids the instruction; NULL: nothing to prepare */
} Kernel;

/* ---- f32 ---- */
#if defined(__AVX512F__)
#define F32_NAME "avx512f-fma"
#define F32_LANES 16
static void run_f32(int64_t rounds) {
    typedef __m512 V;
    const V x = _mm512_set1_ps(seed), y = _mm512_set1_ps(seed + 0.5f);
#define START(n) _mm512_set1_ps(seed + n)
#define STEP(c) _mm512_fmadd_ps(c, x, y)
    LOOP
#undef START
#undef STEP
}
#elif defined(__FMA__)
#define F32_NAME "avx2-fma"
#define F32_LANES 8
static void run_f32(int64_t rounds) {
    typedef __m256 V;
    const V x = _mm256_set1_ps(seed), y = _mm256_set1_ps(seed + 0.5f);
#define START(n) _mm256_set1_ps(seed + n)
#define STEP(c) _mm256_fmadd_ps(c, x, y)
    LOOP
#undef START
#undef STEP
}
#elif defined(__aarch64__)
#define F32_NAME "neon-fmla"
#define F32_LANES 4
static void run_f32(int64_t rounds) {
    typedef float32x4_t V;
    const V x = vdupq_n_f32(seed), y = vdupq_n_f32(seed + 0.5f);
#define START(n) vdupq_n_f32(seed + n)
#define STEP(c) vfmaq_f32(c, x, y)
    LOOP
#undef START
#undef STEP
}
#else
#define F32_NAME "multiply and add as the compiler makes them"
#define F32_LANES 4
typedef float Floats __attribute__((vector_size(16)));
static void run_f32(int64_t rounds) {
    typedef Floats V;
    const V x = {seed, seed, seed, seed}, y = x + 0.5f;
#define START(n) (x + (float)n)
#define STEP(c) (c * x + y)
    LOOP
#undef START
#undef STEP
}
#endif

/* ---- f16, where ggml computes in it: Arm's vector arithmetic ---- */
#if defined(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC)
#define F16_NAME "neon-fmla-f16"
static void run_f16(int64_t rounds) {
    typedef float16x8_t V;
    const V x = vdupq_n_f16((float16_t)seed), y = vdupq_n_f16((float16_t)(seed + 0.5f));
#define START(n) vdupq_n_f16((float16_t)(seed + n))
#define STEP(c) vfmaq_f16(c, x, y)
    LOOP
#undef START
#undef STEP
}
#endif

/* ---- AMX: four accumulators hide the latency; a tile is 16 rows of 64 bytes ---- */
#if defined(__AMX_TILE__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
static int prepare_amx(void) {
    /* ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA: Linux, Documentation/arch/x86/xstate.rst */
    return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}
static void load_tiles(void) {
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } config;
    static const uint8_t ones[16 * 64] = {1};
    memset(&config, 0, sizeof config);
    config.palette = 1;
    for (int tile = 0; tile < 8; tile++) {
        config.row_bytes[tile] = 64;
        config.rows[tile] = 16;
    }
    /* Not the intrinsic: common releases of GCC take the stores above for dead before it. */
    __asm__ volatile("ldtilecfg %0" : : "m"(config) : "memory");
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_loadd(4, ones, 64);
    _tile_loadd(5, ones, 64);
    _tile_loadd(6, ones, 64);
    _tile_loadd(7, ones, 64);
}
#define AMX_ROUND(MULTIPLY) MULTIPLY(0, 4, 6); MULTIPLY(1, 4, 7); MULTIPLY(2, 5, 6); MULTIPLY(3, 5, 7);
#if defined(__AMX_INT8__)
static void run_amx_int8(int64_t rounds) {
    load_tiles();
    for (int64_t i = 0; i < rounds; i++) { AMX_ROUND(_tile_dpbssd) }
    _tile_release();
}
#endif
#if defined(__AMX_BF16__)
static void run_amx_bf16(int64_t rounds) {
    load_tiles();
    for (int64_t i = 0; i < rounds; i++) { AMX_ROUND(_tile_dpbf16ps) }
    _tile_release();
}
#endif
#endif

/* ---- bf16 ---- */
#if defined(__AVX512BF16__)
#define BF16_NAME "avx512-bf16"
#define BF16_OPERATIONS 64
static void run_bf16(int64_t rounds) {
    typedef __m512 V;
    const __m512bh x = _mm512_cvtne2ps_pbh(_mm512_set1_ps(seed), _mm512_set1_ps(seed));
#define START(n) _mm512_set1_ps(seed + n)
#define STEP(c) _mm512_dpbf16_ps(c, x, x)
    LOOP
#undef START
#undef STEP
}
#elif defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
#define BF16_NAME "neon-bfmmla"
#define BF16_OPERATIONS 32
static void run_bf16(int64_t rounds) {
    typedef float32x4_t V;
    const bfloat16x8_t x = vcvtq_low_bf16_f32(vdupq_n_f32(seed));
#define START(n) vdupq_n_f32(seed + n)
#define STEP(c) vbfmmlaq_f32(c, x, x)
    LOOP
#undef START
#undef STEP
}
#endif

/* ---- int8, accumulated in 32 bits ---- */
#if defined(__AVX512VNNI__)
#define INT8_NAME "avx512-vnni"
#define INT8_OPERATIONS 128
static void run_int8(int64_t rounds) {
    typedef __m512i V;
    const V x = _mm512_set1_epi8((char)(seed * 4));
#define START(n) _mm512_set1_epi32(n)
#define STEP(c) _mm512_dpbusd_epi32(c, x, x)
    LOOP
#undef START
#undef STEP
}
#elif defined(__AVXVNNI__)
#define INT8_NAME "avx-vnni"
#define INT8_OPERATIONS 64
static void run_int8(int64_t rounds) {
    typedef __m256i V;
    const V x = _mm256_set1_epi8((char)(seed * 4));
#define START(n) _mm256_set1_epi32(n)
#define STEP(c) _mm256_dpbusd_avx_epi32(c, x, x)
    LOOP
#undef START
#undef STEP
}
#elif defined(__AVX512BW__)
#define INT8_NAME "avx512bw-maddubs"
#define INT8_OPERATIONS 128
static void run_int8(int64_t rounds) {
    typedef __m512i V;
    const V x = _mm512_set1_epi8((char)(seed * 4)), ones = _mm512_set1_epi16((short)(seed * 2));
#define START(n) _mm512_set1_epi32(n)
/* A chain runs through the product, or the compiler would multiply once and for all. */
#define STEP(c) _mm512_add_epi32(c, _mm512_madd_epi16(_mm512_maddubs_epi16(c, x), ones))
    LOOP
#undef START
#undef STEP
}
#elif defined(__AVX2__)
#define INT8_NAME "avx2-maddubs"
#define INT8_OPERATIONS 64
static void run_int8(int64_t rounds) {
    typedef __m256i V;
    const V x = _mm256_set1_epi8((char)(seed * 4)), ones = _mm256_set1_epi16((short)(seed * 2));
#define START(n) _mm256_set1_epi32(n)
#define STEP(c) _mm256_add_epi32(c, _mm256_madd_epi16(_mm256_maddubs_epi16(c, x), ones))
    LOOP
#undef START
#undef STEP
}
#elif defined(__ARM_FEATURE_MATMUL_INT8)
#define INT8_NAME "neon-smmla"
#define INT8_OPERATIONS 64
static void run_int8(int64_t rounds) {
    typedef int32x4_t V;
    const int8x16_t x = vdupq_n_s8((int8_t)(seed * 4));
#define START(n) vdupq_n_s32(n)
#define STEP(c) vmmlaq_s32(c, x, x)
    LOOP
#undef START
#undef STEP
}
#elif defined(__ARM_FEATURE_DOTPROD)
#define INT8_NAME "neon-sdot"
#define INT8_OPERATIONS 32
static void run_int8(int64_t rounds) {
    typedef int32x4_t V;
    const int8x16_t x = vdupq_n_s8((int8_t)(seed * 4));
#define START(n) vdupq_n_s32(n)
#define STEP(c) vdotq_s32(c, x, x)
    LOOP
#undef START
#undef STEP
}
#endif

static const Kernel kernels[] = { /* of one type, the fastest first */
    {"f32", F32_NAME, CHAINS * F32_LANES * 2, run_f32, NULL},
#if defined(F16_NAME)
    {"f16", F16_NAME, CHAINS * 8 * 2, run_f16, NULL},
#endif
#if defined(__AMX_BF16__) && defined(__linux__)
    {"bf16", "amx-bf16", 4 * 16 * 16 * 32 * 2, run_amx_bf16, prepare_amx},
#endif
#if defined(BF16_NAME)
    {"bf16", BF16_NAME, CHAINS * BF16_OPERATIONS, run_bf16, NULL},
#endif
#if defined(__AMX_INT8__) && defined(__linux__)
    {"int8", "amx-int8", 4 * 16 * 16 * 64 * 2, run_amx_int8, prepare_amx},
#endif
#if defined(INT8_NAME)
    {"int8", INT8_NAME, CHAINS * INT8_OPERATIONS, run_int8, NULL},
#endif
    {NULL, NULL, 0, NULL, NULL},
};

typedef struct {
    const Kernel *kernel;
    int64_t rounds;
} Work;

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void *work(void *argument) {
    const Work *todo = argument;
    todo->kernel->run(todo->rounds);
    return NULL;
}

/* Runs all threads once; returns how long that took, their start and end included. */
static int64_t pass_ns(Work *todo, int threads) {
    pthread_t *started = calloc((size_t)threads, sizeof *started);
    if (started == NULL) exit(3);
    int64_t start_ns = now_ns();
    for (int i = 0; i < threads; i++)
        if (pthread_create(&started[i], NULL, work, todo) != 0) exit(3);
    for (int i = 0; i < threads; i++) pthread_join(started[i], NULL);
    int64_t took_ns = now_ns() - start_ns;
    free(started);
    return took_ns;
}

int main(int count, char **arguments) {
    if (count != 5) return 2;
    int threads = atoi(arguments[2]), passes = atoi(arguments[3]);
    int64_t wanted_ns = atoll(arguments[4]) * 1000000;
    if (threads < 1 || passes < 1 || wanted_ns < 1) return 2;
    const Kernel *kernel = kernels;
    while (kernel->type && (strcmp(kernel->type, arguments[1]) != 0 || (kernel->prepare && !kernel->prepare())))
        kernel++;
    if (kernel->type == NULL) return 0;
    Work todo = {kernel, 1 << 16};
    int64_t took_ns = pass_ns(&todo, threads);
    while (took_ns < wanted_ns / 4) { /* find out how many rounds fill a pass */
        todo.rounds *= 2;
        took_ns = pass_ns(&todo, threads);
    }
    todo.rounds = (int64_t)((double)todo.rounds * (double)wanted_ns / (double)took_ns) + 1;
    for (int i = 0; i < passes; i++) {
        took_ns = pass_ns(&todo, threads);
        double operations = (double)kernel->operations * (double)todo.rounds * threads;
        printf("%s %.0f %lld\n", kernel->name, operations, (long long)took_ns);
        fflush(stdout);
    }
    return 0;
}
