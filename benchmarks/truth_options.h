/* What the truth server is told on its command line. */
#ifndef TRUTH_OPTIONS_H
#define TRUTH_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "truth_replies.h"

#define NS_PER_S 1000000000LL
#define NS_PER_MS 1000000.0
#define MAX_SECONDS 36000

struct options {
    int64_t ttft_ns, itl_ns, stall_ns, max_ns;
    long tokens, tokens_per_chunk, burst_bytes, stall_after, prompt_tokens, fifo, port;
    double vary_cv;
    bool one_event, unpaced, quiet, serial_prefill;
    const char *log_path, *model;
};

static struct options opt = {.ttft_ns = 100000000, .itl_ns = 10000000, .max_ns = 3600 * NS_PER_S, .tokens = 64,
    .tokens_per_chunk = 1, .stall_after = -1, .prompt_tokens = 32, .log_path = NULL, .model = "truth"};

static void take_options(int argc, char **argv) {
    enum { TTFT = 1, ITL, TOKENS, PER_CHUNK, ONE_EVENT, STALL_AFTER, STALL_MS, BURST, UNPACED, QUIET, LOG, PORT, FIFO,
           MODEL, PROMPT_TOKENS, MAX_S, VARY_CV, SERIAL_PREFILL };
    static const struct option known[] = {
        {"ttft-ms", 1, 0, TTFT}, {"itl-ms", 1, 0, ITL}, {"tokens", 1, 0, TOKENS}, {"tokens-per-chunk", 1, 0, PER_CHUNK},
        {"one-event", 0, 0, ONE_EVENT}, {"stall-after", 1, 0, STALL_AFTER}, {"stall-ms", 1, 0, STALL_MS},
        {"burst-bytes", 1, 0, BURST}, {"unpaced", 0, 0, UNPACED}, {"quiet", 0, 0, QUIET}, {"log", 1, 0, LOG},
        {"port", 1, 0, PORT}, {"fifo", 1, 0, FIFO}, {"model", 1, 0, MODEL}, {"prompt-tokens", 1, 0, PROMPT_TOKENS},
        {"max-s", 1, 0, MAX_S}, {"vary-cv", 1, 0, VARY_CV}, {"serial-prefill", 0, 0, SERIAL_PREFILL}, {0, 0, 0, 0}};
    for (int found; (found = getopt_long(argc, argv, "", known, NULL)) != -1;) switch (found) {
        case TTFT: opt.ttft_ns = (int64_t)(atof(optarg) * NS_PER_MS); break;
        case ITL: opt.itl_ns = (int64_t)(atof(optarg) * NS_PER_MS); break;
        case TOKENS: opt.tokens = atol(optarg); break;
        case PER_CHUNK: opt.tokens_per_chunk = atol(optarg); break;
        case ONE_EVENT: opt.one_event = true; break;
        case STALL_AFTER: opt.stall_after = atol(optarg); break;
        case STALL_MS: opt.stall_ns = (int64_t)(atof(optarg) * NS_PER_MS); break;
        case BURST: opt.burst_bytes = atol(optarg); break;
        case UNPACED: opt.unpaced = true; break;
        case QUIET: opt.quiet = true; break;
        case LOG: opt.log_path = optarg; break;
        case PORT: opt.port = atol(optarg); break;
        case FIFO: opt.fifo = atol(optarg); break;
        case MODEL: opt.model = optarg; break;
        case PROMPT_TOKENS: opt.prompt_tokens = atol(optarg); break;
        case MAX_S: opt.max_ns = (int64_t)(atof(optarg) * NS_PER_S); break;
        case VARY_CV: opt.vary_cv = atof(optarg); break;
        case SERIAL_PREFILL: opt.serial_prefill = true; break;
        default: exit(2);
    }
    if (opt.burst_bytes) opt.tokens_per_chunk = tokens_in_burst(opt.burst_bytes, opt.model);
    if (opt.tokens < 1 || opt.tokens_per_chunk < 1 || opt.max_ns < 1 || opt.max_ns > MAX_SECONDS * NS_PER_S) {
        fprintf(stderr, "truth_server: --tokens, --tokens-per-chunk and --max-s (to %d) are positive\n", MAX_SECONDS);
        exit(2);
    }
}

#endif
