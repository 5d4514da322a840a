/* load: hands in messages that a file holds, one a connection, and prints one line of JSON: how many, how long, and
 * when it began by the system's monotonic clock, once the file was read.
 *   cc -O2 -pthread -o load load.c
 *   load PORT SESSIONS FILE
 * The file is a row of records, each "SOURCE REVERSE-PATH RECIPIENT OCTETS\n" and then so many octets, ready to be
 * sent after DATA, final dot included. Each connection comes from its SOURCE, an address of 127.0.0.0/8; a message is
 * handed in once. Every reply is waited for.                                                                       */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

typedef struct { char source[16], from[128], to[128]; long octets; const char *start; } Message;
static Message *messages;
static long count;
static int port;
static atomic_long next_message, failed;

static int say(int fd, const char *text, long octets) {
    while (octets > 0) {
        long sent = send(fd, text, octets, MSG_NOSIGNAL);
        if (sent <= 0) return -1;
        text += sent; octets -= sent;
    }
    return 0;
}
/* the code of one whole reply, or -1 */
static int reply(int fd) {
    char lines[4096]; int length = 0;
    for (;;) {
        int got = recv(fd, lines + length, sizeof lines - 1 - length, 0);
        if (got <= 0) return -1;
        lines[length += got] = 0;
        if (lines[length - 1] != '\n') continue;
        char *last = lines;
        for (char *end = strchr(lines, '\n'); end && end[1]; end = strchr(last, '\n')) last = end + 1;
        if (strlen(last) > 3 && last[3] == '-') { if (length > 2048) length = 0; continue; }
        int code = atoi(last);
        if (code >= 400) fprintf(stderr, "%s", last);
        return code;
    }
}
static int hand_in(const Message *message) {
    char line[512]; int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0), done = -1;
    struct timeval patience = {60, 0};
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, message->source, &from.sin_addr); inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) || connect(fd, (struct sockaddr *)&to, sizeof to)) goto out;
    if (reply(fd) != 220) goto out;
    const char *host = strchr(message->from, '@');
    if (say(fd, line, snprintf(line, sizeof line, "EHLO mx%s%s\r\n", host ? "." : "", host ? host + 1 : ""))) goto out;
    if (reply(fd) != 250) goto out;
    if (say(fd, line, snprintf(line, sizeof line, "MAIL FROM:<%s>\r\n", message->from)) || reply(fd) != 250) goto out;
    if (say(fd, line, snprintf(line, sizeof line, "RCPT TO:<%s>\r\n", message->to)) || reply(fd) != 250) goto out;
    if (say(fd, "DATA\r\n", 6) || reply(fd) != 354) goto out;
    if (say(fd, message->start, message->octets) || reply(fd) != 250) goto out;
    done = 0;
    if (!say(fd, "QUIT\r\n", 6)) reply(fd);
out:
    close(fd);
    return done;
}
static void *work(void *unused) {
    (void)unused;
    for (long number; (number = atomic_fetch_add(&next_message, 1)) < count;)
        if (hand_in(messages + number)) atomic_fetch_add(&failed, 1);
    return NULL;
}
int main(int argc, char **argv) {
    if (argc != 4) return fprintf(stderr, "load PORT SESSIONS FILE\n"), 2;
    port = atoi(argv[1]);
    int sessions = atoi(argv[2]);
    struct stat about;
    FILE *file = fopen(argv[3], "rb");
    if (!file || fstat(fileno(file), &about)) return perror(argv[3]), 2;
    char *octets = malloc(about.st_size + 1);
    if (fread(octets, 1, about.st_size, file) != (size_t)about.st_size) return perror(argv[3]), 2;
    octets[about.st_size] = 0;
    long room = 0;
    for (char *at = octets; at < octets + about.st_size;) {
        if (count == room) messages = realloc(messages, (room = 2 * room + 1024) * sizeof *messages);
        Message *message = messages + count++; int head = 0;
        char record[512]; /* sscanf looks for the end of its text each time: not of the whole file */
        snprintf(record, sizeof record, "%.*s", (int)sizeof record - 1, at);
        if (sscanf(record, "%15s %127s %127s %ld%n", message->source, message->from, message->to, &message->octets, &head) != 4)
            return fprintf(stderr, "record %ld cannot be read\n", count), 2;
        message->start = at + head + 1;
        at += head + 1 + message->octets;
    }
    pthread_t threads[1024];
    struct timespec began, ended;
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (int i = 0; i < sessions && i < 1024; i++) pthread_create(threads + i, NULL, work, NULL);
    for (int i = 0; i < sessions && i < 1024; i++) pthread_join(threads[i], NULL);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    printf("{\"accepted\": %ld, \"failed\": %ld, \"seconds\": %.3f, \"began\": %.6f}\n", count - failed, (long)failed,
           ended.tv_sec - began.tv_sec + (ended.tv_nsec - began.tv_nsec) / 1e9, began.tv_sec + began.tv_nsec / 1e9);
    return failed > 0;
}
