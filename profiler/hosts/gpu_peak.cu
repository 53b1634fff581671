/* What a CUDA device reaches: reading its memory, and multiplying, by type; gpu_peak.py compiles and runs it.
 *
 *     gpu_peak list
 *     gpu_peak TYPE DEVICE PASSES
 *
 * The first prints a line per device that CUDA sees, "DEVICE MAJOR.MINOR NAME". The second prints a line per pass, "KERNEL
 * AMOUNT NANOSECONDS", and nothing where this generation has no instruction for TYPE: bytes for the type memory, else
 * operations, of which a multiply-add is two. Matrices are multiplied by mma.sync on registers only, in enough independent
 * chains to hide its latency; names and shapes follow the PTX ISA, "Matrix multiply-accumulate instructions". Hopper and
 * the data centre's Blackwell have faster instructions (wgmma, tcgen05): there these are no peaks.
 */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#define THREADS 256
#define BLOCKS_PER_SM 4
#define CHAINS 8 /* x 32 warps of an SM: latencies of mma.sync are below 40 cycles */
#define PASS_MS 60.0f
#define READ_BYTES ((size_t)1 << 30) /* eight times the largest L2 cache */

static void check(cudaError_t error) {
    if (error != cudaSuccess) {
        fprintf(stderr, "%s\n", cudaGetErrorString(error));
        exit(1);
    }
}

__global__ void read_memory(const uint4 *from, size_t count, unsigned *sink) {
    size_t stride = (size_t)gridDim.x * blockDim.x;
    unsigned sum = 0;
#pragma unroll 8
    for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < count; i += stride) {
        uint4 read = __ldcs(from + i);
        sum += read.x ^ read.y ^ read.z ^ read.w;
    }
    if (sum == 0x9e3779b9u) *sink = sum;
}

/* Bits that differ from thread to thread and are small numbers in every type: equal or zero ones would take less power
 * and so let the clocks rise. */
static __device__ uint32_t bits(uint32_t seed, uint32_t n) {
    return (seed + (threadIdx.x * 8 + n) * 2654435761u) & 0x2bff2bffu;
}

#define OPERANDS                                                                      \
    uint32_t a[4], b[2];                                                              \
    for (int i = 0; i < 4; i++) a[i] = bits(seed, i);                                 \
    for (int i = 0; i < 2; i++) b[i] = bits(seed, 4 + i);

/* KERNEL(name, C's type, constraint of C's registers, instruction): `rounds` steps of every chain; A has four registers,
 * B two, C four. */
#define KERNEL(NAME, C, R, INSTRUCTION)                                                                              \
    __global__ void NAME(int rounds, uint32_t seed, float *sink) {                                                   \
        OPERANDS                                                                                                     \
        C c[CHAINS][4] = {};                                                                                         \
        for (int round = 0; round < rounds; round++) {                                                               \
            _Pragma("unroll") for (int n = 0; n < CHAINS; n++) {                                                     \
                asm volatile(INSTRUCTION " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"          \
                             : "+" R(c[n][0]), "+" R(c[n][1]), "+" R(c[n][2]), "+" R(c[n][3])                        \
                             : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));                    \
            }                                                                                                        \
        }                                                                                                            \
        float sum = 0;                                                                                               \
        for (int n = 0; n < CHAINS; n++)                                                                             \
            for (int i = 0; i < 4; i++) sum += (float)c[n][i];                                                       \
        if (sum == 12345.678f) *sink = sum;                                                                          \
    }
#define NOTHING(NAME) \
    __global__ void NAME(int, uint32_t, float *) {}

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
KERNEL(multiply_tf32, float, "f", "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32")
KERNEL(multiply_f16, float, "f", "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32")
KERNEL(multiply_bf16, float, "f", "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32")
KERNEL(multiply_int8, int, "r", "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32")
#else
NOTHING(multiply_tf32)
NOTHING(multiply_bf16)
/* Turing's shapes: A has two registers and B one, or one each and C two */
__global__ void multiply_f16(int rounds, uint32_t seed, float *sink) {
    OPERANDS
    float c[CHAINS][4] = {};
    for (int round = 0; round < rounds; round++) {
#pragma unroll
        for (int n = 0; n < CHAINS; n++) {
            asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
                         : "+f"(c[n][0]), "+f"(c[n][1]), "+f"(c[n][2]), "+f"(c[n][3])
                         : "r"(a[0]), "r"(a[1]), "r"(b[0]));
        }
    }
    float sum = 0;
    for (int n = 0; n < CHAINS; n++)
        for (int i = 0; i < 4; i++) sum += c[n][i];
    if (sum == 12345.678f) *sink = sum;
}
__global__ void multiply_int8(int rounds, uint32_t seed, float *sink) {
    OPERANDS
    int c[CHAINS][2] = {};
    for (int round = 0; round < rounds; round++) {
#pragma unroll
        for (int n = 0; n < CHAINS; n++) {
            asm volatile("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0, %1}, {%2}, {%3}, {%0, %1};"
                         : "+r"(c[n][0]), "+r"(c[n][1])
                         : "r"(a[0]), "r"(b[0]));
        }
    }
    int sum = 0;
    for (int n = 0; n < CHAINS; n++) sum += c[n][0] + c[n][1];
    if (sum == 12345) *sink = sum;
}
#endif
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 890
KERNEL(multiply_fp8, float, "f", "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32")
#else
NOTHING(multiply_fp8)
#endif

__global__ void multiply_f32(int rounds, uint32_t seed, float *sink) {
    float c[CHAINS], a = 0.999f, b = seed * 1e-9f;
    for (int n = 0; n < CHAINS; n++) c[n] = threadIdx.x + n;
    for (int round = 0; round < rounds; round++) {
#pragma unroll
        for (int n = 0; n < CHAINS; n++) c[n] = fmaf(c[n], a, b);
    }
    float sum = 0;
    for (int n = 0; n < CHAINS; n++) sum += c[n];
    if (sum == 12345.678f) *sink = sum;
}

typedef struct {
    const char *type, *name;
    int since;               /* compute capability x 10 */
    double operations;       /* of a warp in one step of one chain */
    double operations_sm_75; /* where Turing's shape differs */
    void (*run)(int, uint32_t, float *);
} Kernel;

static const Kernel KERNELS[] = {
    {"f32", "fma.f32", 75, 2 * 32, 2 * 32, multiply_f32},
    {"tf32", "mma.sync-tf32", 80, 2 * 16 * 8 * 8, 0, multiply_tf32},
    {"f16", "mma.sync-f16-f32", 75, 2 * 16 * 8 * 16, 2 * 16 * 8 * 8, multiply_f16},
    {"bf16", "mma.sync-bf16-f32", 80, 2 * 16 * 8 * 16, 0, multiply_bf16},
    {"int8", "mma.sync-s8-s32", 75, 2 * 16 * 8 * 32, 2 * 8 * 8 * 16, multiply_int8},
    {"fp8", "mma.sync-e4m3-f32", 89, 2 * 16 * 8 * 32, 0, multiply_fp8},
};

static float timed_ms(const Kernel *kernel, int blocks, int rounds, float *sink) {
    cudaEvent_t begin, end;
    float ms = 0;
    check(cudaEventCreate(&begin));
    check(cudaEventCreate(&end));
    check(cudaEventRecord(begin));
    kernel->run<<<blocks, THREADS>>>(rounds, 12345u, sink);
    check(cudaGetLastError());
    check(cudaEventRecord(end));
    check(cudaEventSynchronize(end));
    check(cudaEventElapsedTime(&ms, begin, end));
    check(cudaEventDestroy(begin));
    check(cudaEventDestroy(end));
    return ms;
}

static void multiply(const Kernel *kernel, const cudaDeviceProp *device, int passes) {
    int capability = device->major * 10 + device->minor, blocks = device->multiProcessorCount * BLOCKS_PER_SM;
    double step = capability < 80 ? kernel->operations_sm_75 : kernel->operations;
    float *sink, ms = 0;
    int rounds = 1 << 10;
    check(cudaMalloc(&sink, sizeof *sink));
    timed_ms(kernel, blocks, rounds, sink); /* the first launch loads the code */
    while ((ms = timed_ms(kernel, blocks, rounds, sink)) < PASS_MS && rounds < 1 << 29) rounds *= 2;
    for (int pass = 0; pass < passes; pass++) {
        ms = timed_ms(kernel, blocks, rounds, sink);
        printf("%s %.0f %.0f\n", kernel->name, step * CHAINS * rounds * (THREADS / 32.0) * blocks, ms * 1e6);
    }
}

static void read_all(const cudaDeviceProp *device, int passes) {
    uint4 *buffer;
    unsigned *sink;
    cudaEvent_t begin, end;
    size_t count = READ_BYTES / sizeof(uint4);
    check(cudaMalloc(&buffer, READ_BYTES));
    check(cudaMalloc(&sink, sizeof *sink));
    check(cudaMemset(buffer, 0x5a, READ_BYTES));
    check(cudaEventCreate(&begin));
    check(cudaEventCreate(&end));
    for (int pass = -2; pass < passes; pass++) { /* two to warm up */
        float ms = 0;
        check(cudaEventRecord(begin));
        read_memory<<<device->multiProcessorCount * 8, THREADS>>>(buffer, count, sink);
        check(cudaGetLastError());
        check(cudaEventRecord(end));
        check(cudaEventSynchronize(end));
        check(cudaEventElapsedTime(&ms, begin, end));
        if (pass >= 0) printf("read %zu %.0f\n", READ_BYTES, ms * 1e6);
    }
}

static int list(void) {
    int count = 0;
    check(cudaGetDeviceCount(&count));
    for (int number = 0; number < count; number++) {
        cudaDeviceProp device;
        check(cudaGetDeviceProperties(&device, number));
        printf("%d %d.%d %s\n", number, device.major, device.minor, device.name);
    }
    return 0;
}

int main(int count, char **words) {
    if (count == 2 && !strcmp(words[1], "list")) return list();
    if (count != 4) return 2;
    cudaDeviceProp device;
    int passes = atoi(words[3]);
    check(cudaSetDevice(atoi(words[2])));
    check(cudaGetDeviceProperties(&device, atoi(words[2])));
    if (!strcmp(words[1], "memory")) {
        read_all(&device, passes);
        return 0;
    }
    for (const Kernel &kernel : KERNELS)
        if (!strcmp(words[1], kernel.type) && device.major * 10 + device.minor >= kernel.since)
            multiply(&kernel, &device, passes);
    return 0;
}
