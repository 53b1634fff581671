/* A streaming server that knows when it sent what: the truth that clients are measured against.
 *
 * It speaks enough of the OpenAI-compatible HTTP interface for any client (chat and text completions as
 * server-sent events, /v1/models, /health), answers on an absolute CLOCK_MONOTONIC schedule that starts when the
 * last byte of the request has arrived, and logs when each chunk went into send() and came out of it.
 *
 *   cc -O2 -o truth_server truth_server.c -lm
 *   ./truth_server --ttft-ms 100 --itl-ms 10 --tokens 64 --fifo 50 --log truth.jsonl
 *
 * It prints "listening PORT". The log is written at SIGTERM: a header line, then one line per request. Its times are
 * CLOCK_MONOTONIC nanoseconds; those of chunks are pairs (call, return) relative to `received_ns`. --fifo runs it
 * under SCHED_FIFO where that is permitted, so that a busy machine does not delay it; the header says what it got.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "truth_log.h"
#include "truth_options.h"
#include "truth_replies.h"

#define MAX_FDS 8192
#define MAX_REQUEST_BYTES (4 << 20)

struct connection {
    int fd;
    uint16_t port;
    uint32_t order;           /* requests on this connection so far */
    size_t active_at;         /* position in `active`, while it is being answered */
    bool is_active, closes;
    struct text request;
    struct reply reply;
    long stage, chunks;       /* stage 0 sends the head, 1 to `chunks` the chunks, then comes the tail */
    int64_t start_ns, due_ns, call_ns;
    double pace;              /* factor on the schedule of this request, 1 on average */
    const char *rest;         /* what the socket has not taken yet */
    size_t rest_bytes;
    struct record *record;
};

static struct connection *connections[MAX_FDS], *active[MAX_FDS];
static size_t active_count;
static int epoll_fd, listen_fd, timer_fd;
static volatile sig_atomic_t stopped;

static void advance(struct connection *c);

static void die(const char *what) {
    perror(what);
    exit(1);
}

static int64_t clock_ns(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int64_t now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

/* ---- answering ---- */

static void watch(struct connection *c, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.fd = c->fd};
    epoll_ctl(epoll_fd, operation, c->fd, &event);
}

static void deactivate(struct connection *c) {
    if (!c->is_active) return;
    struct connection *last = active[--active_count];
    active[c->active_at] = last;
    last->active_at = c->active_at;
    c->is_active = false;
}

static void drop(struct connection *c) {
    if (c->is_active && opt.quiet) free(c->record);
    deactivate(c);
    connections[c->fd] = NULL;
    close(c->fd);
    free_reply(&c->reply);
    free(c->request.bytes);
    free(c);
}

static int64_t due_of_chunk(const struct connection *c, long chunk) {
    if (opt.unpaced) return 0;
    int64_t after_ns = opt.ttft_ns + chunk * c->record->tokens_per_chunk * opt.itl_ns;
    int64_t due_ns = c->start_ns + (int64_t)(c->pace * after_ns);
    return opt.stall_after >= 0 && chunk >= opt.stall_after ? due_ns + opt.stall_ns : due_ns;
}

static long tokens_of_chunk(const struct record *r, long chunk) {
    long left = r->tokens - chunk * r->tokens_per_chunk;
    return left < r->tokens_per_chunk ? left : r->tokens_per_chunk;
}

/* A whole write is in the kernel's hands: log it and find out what comes next. */
static void written(struct connection *c) {
    int64_t return_ns = now_ns();
    struct record *r = c->record;
    if (c->stage >= 1 && c->stage <= c->chunks) {
        if (opt.quiet) count(CHUNKS, return_ns, 1), count(TOKENS_SENT, return_ns, tokens_of_chunk(r, r->chunks_sent));
        else r->call_ns[r->chunks_sent] = c->call_ns, r->return_ns[r->chunks_sent] = return_ns;
        r->chunks_sent++;
    }
    if (++c->stage <= c->chunks) {
        c->due_ns = due_of_chunk(c, c->stage - 1);
    } else if (c->stage == c->chunks + 1) {
        advance(c);
    } else {
        if (opt.quiet) count(REQUESTS, return_ns, 1), free(r);
        deactivate(c);
        if (c->closes) shutdown(c->fd, SHUT_WR);
    }
}

/* Hand bytes to the socket; what it does not take waits for EPOLLOUT. Afterwards the connection may be gone. */
static void push(struct connection *c, const char *bytes, size_t length) {
    ssize_t sent = send(c->fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return drop(c);
    size_t taken = sent < 0 ? 0 : (size_t)sent;
    bool was_waiting = c->rest_bytes > 0;
    c->rest = bytes + taken;
    c->rest_bytes = length - taken;
    if (c->rest_bytes && !was_waiting) watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    if (!c->rest_bytes && was_waiting) watch(c, EPOLLIN, EPOLL_CTL_MOD);
    if (!c->rest_bytes) written(c);
}

/* Send the next part of the answer. */
static void advance(struct connection *c) {
    const struct reply *reply = &c->reply;
    const struct text *part = c->stage == 0 ? &reply->head : c->stage < c->chunks ? &reply->chunk
                            : c->stage == c->chunks ? &reply->last_chunk : &reply->tail;
    c->call_ns = now_ns();
    push(c, part->bytes, part->length);
}

/* A factor from the log-normal distribution of mean 1 and --vary-cv (G. Box and M. Muller, 1958), from two sequences
 * that fill (0, 1) evenly (M. Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018): the mean of
 * few requests is near 1 already, so that what a client is wrong by is not the server's chance. */
static double next_pace(void) {
    static double count;
    if (opt.vary_cv <= 0) return 1;
    count++;
    double one = fmod(0.5 + count * 0.7548776662466927, 1), other = fmod(0.5 + count * 0.5698402909980532, 1);
    double sigma = sqrt(log(1 + opt.vary_cv * opt.vary_cv));
    return exp(sigma * sqrt(-2 * log(one)) * cos(2 * M_PI * other) - sigma * sigma / 2);
}

/* When a request's schedule begins: at once or, where prompts are read one after the other, after those before it. */
static int64_t begin_at(int64_t received_ns, double pace) {
    static int64_t free_ns;
    if (!opt.serial_prefill) return received_ns;
    int64_t start_ns = free_ns > received_ns ? free_ns : received_ns;
    free_ns = start_ns + (int64_t)(pace * opt.ttft_ns);
    return start_ns;
}

static void activate(struct connection *c, int64_t received_ns) {
    c->pace = next_pace();
    c->start_ns = begin_at(received_ns, c->pace);
    c->stage = 0;
    c->is_active = true;
    c->active_at = active_count;
    active[active_count++] = c;
    advance(c);
}

static struct record *new_record(struct connection *c, long tokens, int64_t arrived_ns, int64_t received_ns) {
    struct record *r = grown(NULL, sizeof *r);
    *r = (struct record){.id = next_id++, .order = c->order++, .port = c->port, .arrived_ns = arrived_ns,
                         .received_ns = received_ns, .tokens = tokens, .tokens_per_chunk = opt.tokens_per_chunk};
    if (!opt.quiet) keep(r, c->chunks);
    return r;
}

static long number_after(const char *body, const char *key, long otherwise) {
    const char *found = strstr(body, key);
    if (!found) return otherwise;
    long value = strtol(found + strlen(key) + strspn(found + strlen(key), ": "), NULL, 10);
    return value > 0 ? value : otherwise;
}

static bool is_true(const char *body, const char *key) {
    const char *found = strstr(body, key);
    return found && !strncmp(found + strlen(key) + strspn(found + strlen(key), ": "), "true", 4);
}

/* Quoted keys are safe to search for: within a JSON string their closing quote would be escaped. */
static void begin_stream(struct connection *c, const char *body, bool chat, int64_t arrived_ns, int64_t received_ns) {
    long tokens = number_after(body, "\"max_completion_tokens\"", number_after(body, "\"max_tokens\"", opt.tokens));
    c->chunks = (tokens + opt.tokens_per_chunk - 1) / opt.tokens_per_chunk;
    c->record = new_record(c, tokens, arrived_ns, received_ns);
    build_reply(&c->reply, &(struct reply_facts){.id = c->record->id, .is_chat = chat, .closes = c->closes,
        .with_usage = is_true(body, "\"include_usage\""), .one_event = opt.one_event,
        .prompt_tokens = opt.prompt_tokens, .tokens = tokens, .tokens_per_chunk = opt.tokens_per_chunk,
        .last_chunk_tokens = tokens_of_chunk(c->record, c->chunks - 1), .model = opt.model});
    activate(c, received_ns);
}

/* One vector after --ttft-ms: a single chunk that is the whole answer, with nothing before and after it. */
static void begin_embedding(struct connection *c, int64_t arrived_ns, int64_t received_ns) {
    char json[400];
    snprintf(json, sizeof json, "{\"object\":\"list\",\"model\":\"%.200s\",\"data\":["
             "{\"object\":\"embedding\",\"index\":0,\"embedding\":[0.5,0.25]}],\"usage\":{\"prompt_tokens\":%ld,"
             "\"total_tokens\":%ld}}", opt.model, opt.prompt_tokens, opt.prompt_tokens);
    c->chunks = 1;
    c->record = new_record(c, 1, arrived_ns, received_ns);
    c->reply.head.length = c->reply.last_chunk.length = c->reply.tail.length = 0;
    build_json_reply(&c->reply.last_chunk, "200 OK", json, c->closes);
    activate(c, received_ns);
}

static void answer_json(struct connection *c, const char *status, const char *json) {
    struct text answer = {0};
    build_json_reply(&answer, status, json, c->closes);
    if (send(c->fd, answer.bytes, answer.length, MSG_NOSIGNAL) < 0) shutdown(c->fd, SHUT_RDWR);
    else if (c->closes) shutdown(c->fd, SHUT_WR);
    free(answer.bytes);
}

static void answer(struct connection *c, const char *head, const char *body, int64_t arrived_ns, int64_t received_ns) {
    bool chat = !strncmp(head, "POST /v1/chat/completions ", 26);
    char json[800];
    c->closes = strcasestr(head, "\r\nconnection: close") != NULL;
    if (chat || !strncmp(head, "POST /v1/completions ", 21)) {
        if (is_true(body, "\"stream\"")) return begin_stream(c, body, chat, arrived_ns, received_ns);
        build_completion(json, sizeof json, opt.model, chat, opt.prompt_tokens);
        return answer_json(c, "200 OK", json);
    }
    if (!strncmp(head, "POST /v1/embeddings ", 20)) return begin_embedding(c, arrived_ns, received_ns);
    snprintf(json, sizeof json, "{\"object\":\"list\",\"data\":[{\"id\":\"%.200s\",\"object\":\"model\"}]}", opt.model);
    if (!strncmp(head, "GET /v1/models", 14)) return answer_json(c, "200 OK", json);
    if (!strncmp(head, "GET /health", 11)) return answer_json(c, "200 OK", "{}");
    answer_json(c, "404 Not Found", "{\"error\":{\"message\":\"not known here\"}}");
}

/* ---- receiving ---- */

/* Read what is there; return the kernel's stamp of its arrival on the monotonic clock, or 0 when nothing was read. */
static int64_t receive(struct connection *c) {
    reserve(&c->request, 65537);
    char control[CMSG_SPACE(sizeof(struct timespec))];
    struct iovec piece = {c->request.bytes + c->request.length, 65536};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof control};
    ssize_t got = recvmsg(c->fd, &message, 0);
    if (got < 0 && errno == EAGAIN) return 0;
    if (got <= 0 || c->request.length + (size_t)got > MAX_REQUEST_BYTES) return drop(c), 0;
    c->request.length += (size_t)got;
    c->request.bytes[c->request.length] = 0;
    struct cmsghdr *stamp = CMSG_FIRSTHDR(&message);
    if (!stamp) return now_ns();
    struct timespec wall;
    memcpy(&wall, CMSG_DATA(stamp), sizeof wall);
    int64_t before_ns = now_ns(), offset_ns = clock_ns(CLOCK_REALTIME) - (before_ns + now_ns()) / 2;
    return wall.tv_sec * NS_PER_S + wall.tv_nsec - offset_ns;
}

/* Read; answer once a whole request is there and the last one has been answered. */
static void hear(struct connection *c) {
    int64_t arrived_ns = receive(c), received_ns = now_ns();
    if (!arrived_ns || c->is_active) return;
    char *head = c->request.bytes, *end = strstr(head, "\r\n\r\n");
    if (!end) return;
    const char *length = strcasestr(head, "\r\ncontent-length:");
    size_t body_bytes = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    if (c->request.length < (size_t)(end + 4 - head) + body_bytes) return;
    c->request.length = 0; /* what it held stays readable until the next read */
    *end = 0;
    answer(c, head, end + 4, arrived_ns, received_ns);
}

static void accept_all(void) {
    for (int i = 0; i < MAX_FDS; i++) {
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        int fd = accept4(listen_fd, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
        if (fd < 0) return;
        if (fd >= MAX_FDS) { close(fd); continue; }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct connection *c = grown(NULL, sizeof *c);
        *c = (struct connection){.fd = fd, .port = ntohs(peer.sin_port)};
        connections[fd] = c;
        watch(c, EPOLLIN, EPOLL_CTL_ADD);
    }
}

static void handle(const struct epoll_event *event) {
    int fd = event->data.fd;
    uint64_t expirations;
    if (fd == listen_fd) return accept_all();
    if (fd == timer_fd) {
        (void)!read(timer_fd, &expirations, sizeof expirations);
        return;
    }
    struct connection *c = connections[fd];
    if (c && event->events & EPOLLOUT && c->rest_bytes) push(c, c->rest, c->rest_bytes);
    c = connections[fd];
    if (c && event->events & ~EPOLLOUT) hear(c);
}

/* ---- start and loop ---- */

static void stop(int signal_number) {
    (void)signal_number;
    stopped = 1;
}

static void take_priority(void) {
    static char name[32];
    prctl(PR_SET_TIMERSLACK, 1);
    if (opt.fifo < 1) return;
    if (sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = (int)opt.fifo})) {
        perror("truth_server: --fifo is not permitted, going on at normal priority");
        return;
    }
    snprintf(name, sizeof name, "SCHED_FIFO %ld", opt.fifo);
    scheduler = name;
}

static void open_sockets(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int on = 1;
    listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(listen_fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on); /* accepted sockets inherit it */
    if (bind(listen_fd, (struct sockaddr *)&address, sizeof address)) die("truth_server: bind");
    if (listen(listen_fd, 1024)) die("truth_server: listen");
    getsockname(listen_fd, (struct sockaddr *)&address, &length);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int fds[] = {listen_fd, timer_fd};
    for (int i = 0; i < 2; i++)
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fds[i], &(struct epoll_event){.events = EPOLLIN, .data.fd = fds[i]});
    printf("listening %d\n", ntohs(address.sin_port));
    fflush(stdout);
}

/* Send everything that is due; return when the next part is. */
static int64_t serve_due(void) {
    int64_t next_ns = INT64_MAX;
    for (size_t i = active_count; i-- > 0;) /* downwards: a finished one is replaced by one already seen */
        if (!active[i]->rest_bytes && active[i]->due_ns <= now_ns()) advance(active[i]);
    for (size_t i = 0; i < active_count; i++)
        if (!active[i]->rest_bytes && active[i]->due_ns < next_ns) next_ns = active[i]->due_ns;
    return next_ns;
}

/* How long epoll may wait; the timer ends the wait on time. */
static int timeout_ms(int64_t next_ns) {
    if (next_ns == INT64_MAX) return 500;
    if (next_ns <= now_ns()) return 0;
    struct itimerspec when = {.it_value = {next_ns / NS_PER_S, next_ns % NS_PER_S}};
    timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
    return 500;
}

int main(int argc, char **argv) {
    take_options(argc, argv);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    take_priority();
    open_sockets();
    born_ns = now_ns();
    struct epoll_event events[256];
    while (!stopped && now_ns() - born_ns < opt.max_ns) {
        int ready = epoll_wait(epoll_fd, events, 256, timeout_ms(serve_due()));
        for (int i = 0; i < ready; i++) handle(&events[i]);
    }
    write_log(now_ns());
    return 0;
}
