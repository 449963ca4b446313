/* A wall clock that a test sets: what the kernel's shows, and the seconds in the file that SET_CLOCK_FILE names. With
 * SET_CLOCK_SYNCHRONISED it looks as if NTP kept it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

static long seconds_ahead(void) {
    char text[32] = "0";
    const char *path = getenv("SET_CLOCK_FILE");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return 0;
    if (read(file, text, sizeof text - 1) < 0)
        text[0] = '0';
    close(file);
    return atol(text);
}

int clock_gettime(clockid_t clock, struct timespec *shown) {
    static int (*genuine)(clockid_t, struct timespec *);
    if (!genuine)
        genuine = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int status = genuine(clock, shown);
    if (status == 0 && clock == CLOCK_REALTIME)
        shown->tv_sec += seconds_ahead();
    return status;
}

int adjtimex(struct timex *state) {
    static int (*genuine)(struct timex *);
    if (!genuine)
        genuine = (int (*)(struct timex *))dlsym(RTLD_NEXT, "adjtimex");
    int status = genuine(state);
    return status >= 0 && getenv("SET_CLOCK_SYNCHRONISED") ? TIME_OK : status;
}
