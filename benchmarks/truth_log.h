/* What the truth server remembers of each request, and the file that it leaves. */
#ifndef TRUTH_LOG_H
#define TRUTH_LOG_H

#include <inttypes.h>

#include "truth_options.h"

#define BUCKET_NS (NS_PER_S / 10)
#define MAX_BUCKETS (MAX_SECONDS * 10)
enum bucket { CHUNKS, TOKENS_SENT, REQUESTS, BUCKET_KINDS };

struct record { /* one request's line in the log */
    uint32_t id, order;
    uint16_t port;
    int64_t arrived_ns, received_ns;
    long tokens, tokens_per_chunk, chunks_sent;
    int64_t *call_ns, *return_ns; /* per chunk */
};

static struct record **records;
static size_t record_count, record_capacity;
static uint32_t next_id;
static const char *scheduler = "SCHED_OTHER";
static int64_t born_ns, buckets[BUCKET_KINDS][MAX_BUCKETS];

static void keep(struct record *r, long chunks) {
    size_t bytes = (size_t)chunks * sizeof(int64_t);
    r->call_ns = grown(NULL, bytes);
    r->return_ns = grown(NULL, bytes);
    if (record_count == record_capacity) {
        record_capacity = record_capacity ? 2 * record_capacity : 1024;
        records = grown(records, record_capacity * sizeof *records);
    }
    records[record_count++] = r;
}

static void count(enum bucket what, int64_t at_ns, int64_t amount) {
    int64_t bucket = (at_ns - born_ns) / BUCKET_NS;
    if (bucket < MAX_BUCKETS) buckets[what][bucket] += amount;
}

static void write_request(FILE *log, const struct record *r) {
    fprintf(log, "{\"id\":%u,\"port\":%u,\"order\":%u,\"arrived_ns\":%" PRId64 ",\"received_ns\":%" PRId64
            ",\"tokens\":%ld,\"tokens_per_chunk\":%ld,\"sent_ns\":[", r->id, r->port, r->order, r->arrived_ns,
            r->received_ns, r->tokens, r->tokens_per_chunk);
    for (long i = 0; i < r->chunks_sent; i++)
        fprintf(log, "%s%" PRId64 ",%" PRId64, i ? "," : "", r->call_ns[i] - r->received_ns,
                r->return_ns[i] - r->received_ns);
    fprintf(log, "]}\n");
}

/* What --quiet keeps: sums per tenth of a second. */
static void write_buckets(FILE *log, int64_t now_ns) {
    static const char *const names[] = {"chunks", "tokens", "requests"};
    int64_t used = (now_ns - born_ns) / BUCKET_NS + 1;
    if (used > MAX_BUCKETS) used = MAX_BUCKETS;
    fprintf(log, "{\"bucket_ns\":%lld,\"start_ns\":%" PRId64, BUCKET_NS, born_ns);
    for (int what = 0; what < BUCKET_KINDS; what++) {
        fprintf(log, ",\"%s\":[", names[what]);
        for (int64_t i = 0; i < used; i++) fprintf(log, "%s%" PRId64, i ? "," : "", buckets[what][i]);
        fprintf(log, "]");
    }
    fprintf(log, "}\n");
}

static void write_log(int64_t now_ns) {
    if (!opt.log_path) return;
    FILE *log = fopen(opt.log_path, "w");
    if (!log) {
        perror(opt.log_path);
        exit(1);
    }
    fprintf(log, "{\"server\":\"truth_server\",\"clock\":\"CLOCK_MONOTONIC\",\"scheduler\":\"%s\",\"unpaced\":%s,"
            "\"one_event\":%s,\"requests\":%u}\n", scheduler, opt.unpaced ? "true" : "false",
            opt.one_event ? "true" : "false", next_id);
    if (opt.quiet) write_buckets(log, now_ns);
    else for (size_t i = 0; i < record_count; i++) write_request(log, records[i]);
    if (fclose(log)) perror(opt.log_path);
}

#endif
