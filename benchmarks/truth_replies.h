/* What the truth server says: the bytes of its answers, complete before they are due. */
#ifndef TRUTH_REPLIES_H
#define TRUTH_REPLIES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text { /* bytes that grow */
    char *bytes;
    size_t length, capacity;
};

struct reply { /* one streamed answer, in the parts in which it is sent */
    struct text head, chunk, last_chunk, tail;
};

struct reply_facts {
    uint32_t id;
    bool is_chat, closes, with_usage, one_event;
    long prompt_tokens, tokens, tokens_per_chunk, last_chunk_tokens;
    const char *model;
};

static inline void *grown(void *memory, size_t bytes) {
    void *larger = realloc(memory, bytes);
    if (!larger) {
        perror("truth_server: out of memory");
        exit(1);
    }
    return larger;
}

static inline void reserve(struct text *t, size_t bytes) {
    if (t->length + bytes <= t->capacity) return;
    t->capacity = 2 * (t->length + bytes);
    t->bytes = grown(t->bytes, t->capacity);
}

static inline void append_bytes(struct text *t, const char *bytes, size_t length) {
    reserve(t, length);
    memcpy(t->bytes + t->length, bytes, length);
    t->length += length;
}

__attribute__((format(printf, 2, 3))) static inline void append(struct text *t, const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    append_bytes(t, line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
}

static inline void append_opening(struct text *t, const struct reply_facts *facts) {
    append(t, "data: {\"id\":\"truth-%08u\",\"object\":\"%s\",\"created\":1,\"model\":\"%.200s\",", facts->id,
           facts->is_chat ? "chat.completion.chunk" : "text_completion", facts->model);
}

/* An event with text, in the words of either interface. */
static inline void append_text_event(struct text *t, const struct reply_facts *facts, long tokens) {
    append_opening(t, facts);
    append(t, "\"choices\":[{\"index\":0,%s\"", facts->is_chat ? "\"delta\":{\"content\":" : "\"text\":");
    for (long i = 0; i < tokens; i++) append_bytes(t, " a", 2);
    append(t, "\"%s,\"finish_reason\":null}]}\n\n", facts->is_chat ? "}" : "");
}

static inline void append_role_event(struct text *t, const struct reply_facts *facts) {
    append_opening(t, facts);
    append(t, "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
           "\"finish_reason\":null}]}\n\n");
}

static inline void append_last_event(struct text *t, const struct reply_facts *facts) {
    append_opening(t, facts);
    append(t, "\"choices\":[{\"index\":0,%s,\"finish_reason\":\"length\"}]}\n\n",
           facts->is_chat ? "\"delta\":{}" : "\"text\":\"\"");
}

static inline void append_usage_event(struct text *t, const struct reply_facts *facts) {
    append_opening(t, facts);
    append(t, "\"choices\":[],\"usage\":{\"prompt_tokens\":%ld,\"completion_tokens\":%ld,\"total_tokens\":%ld}}\n\n",
           facts->prompt_tokens, facts->tokens, facts->prompt_tokens + facts->tokens);
}

/* Frame a body as one chunk (RFC 9112, section 7.1) and empty it. */
static inline void append_chunk(struct text *t, struct text *body) {
    append(t, "%zx\r\n", body->length);
    append_bytes(t, body->bytes, body->length);
    append(t, "\r\n");
    body->length = 0;
}

static inline void append_text_chunk(struct text *t, const struct reply_facts *facts, long tokens, struct text *body) {
    if (facts->one_event) append_text_event(body, facts, tokens);
    else for (long i = 0; i < tokens; i++) append_text_event(body, facts, 1);
    append_chunk(t, body);
}

static inline void build_reply(struct reply *reply, const struct reply_facts *facts) {
    struct text body = {0};
    reply->head.length = reply->chunk.length = reply->last_chunk.length = reply->tail.length = 0;
    append(&reply->head, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n%s\r\n",
           facts->closes ? "Connection: close\r\n" : "");
    if (facts->is_chat) {
        append_role_event(&body, facts);
        append_chunk(&reply->head, &body);
    }
    append_text_chunk(&reply->chunk, facts, facts->tokens_per_chunk, &body);
    append_text_chunk(&reply->last_chunk, facts, facts->last_chunk_tokens, &body);
    append_last_event(&body, facts);
    if (facts->with_usage) append_usage_event(&body, facts);
    append(&body, "data: [DONE]\n\n");
    append_chunk(&reply->tail, &body);
    append(&reply->tail, "0\r\n\r\n");
    free(body.bytes);
}

static inline void free_reply(struct reply *reply) {
    free(reply->head.bytes);
    free(reply->chunk.bytes);
    free(reply->last_chunk.bytes);
    free(reply->tail.bytes);
}

/* How many one-token events of a chat fill a burst of so many bytes. */
static inline long tokens_in_burst(long burst_bytes, const char *model) {
    struct text event = {0};
    append_text_event(&event, &(struct reply_facts){.is_chat = true, .model = model}, 1);
    long tokens = burst_bytes / (long)event.length;
    free(event.bytes);
    return tokens > 0 ? tokens : 1;
}

/* A plain JSON answer. */
static inline void build_json_reply(struct text *t, const char *status, const char *json, bool closes) {
    append(t, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n%s", status, strlen(json),
           closes ? "Connection: close\r\n" : "", json);
}

/* A completion that was not asked for as a stream: one token at once. */
static inline void build_completion(char *json, size_t size, const char *model, bool is_chat, long prompt_tokens) {
    snprintf(json, size, "{\"id\":\"truth\",\"object\":\"%s\",\"created\":1,\"model\":\"%.200s\",\"choices\":"
             "[{\"index\":0,%s,\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":%ld,"
             "\"completion_tokens\":1,\"total_tokens\":%ld}}",
             is_chat ? "chat.completion" : "text_completion", model,
             is_chat ? "\"message\":{\"role\":\"assistant\",\"content\":\" a\"}" : "\"text\":\" a\"", prompt_tokens,
             prompt_tokens + 1);
}

#endif
