// llama.cpp's logger is never destroyed, so what it has not written by the time a program ends is lost, such as the
// last lines of statistics on a busy machine. This writes it. Compiled into llama-perplexity.
struct common_log;
common_log * common_log_main();
void common_log_flush(common_log * log);

namespace {
struct at_exit {
    ~at_exit() { common_log_flush(common_log_main()); }
} flush;
}
