/* Calls of the system that fail when a test wants it, or at which the daemon is killed.
 *
 * Preloaded into the daemon and what it starts. FAILING_CALLS_FOLDERS names the folders that are looked at, with colons
 * between; FAILING_CALLS_CONTROL a file with `struct control`, which the test and all processes map. Every call of a
 * kind within a folder is counted there, and the one that brings `countdown` to 0 meets the fault. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

enum call { WRITE, FSYNC, FDATASYNC, RENAME, UNLINK, MKDIR, LINK, TRUNCATE, OPEN_FOR_WRITING, SEND, LOOK, CALLS };
enum { FOLDERS = 4, NO_FOLDER = FOLDERS - 1, KILL_BEFORE = -1, KILL_AFTER = -2 };

struct control { /* failing_calls.py has the same */
    int64_t daemon;       /* the process that is killed; set by the first that maps a 0 */
    int64_t call, folder; /* which calls the fault befalls */
    int64_t countdown;    /* 0: none */
    int64_t fault;        /* an errno, KILL_BEFORE or KILL_AFTER the call */
    int64_t afterwards;   /* an errno that every later call in that folder meets; 0: none */
    int64_t fired;        /* how often the fault was met since it was armed */
    int64_t counts[CALLS][FOLDERS];
};

static struct control *control;
static char folders[FOLDERS][PATH_MAX];
static int folder_count;

__attribute__((constructor)) static void set_up(void) {
    const char *path = getenv("FAILING_CALLS_CONTROL"), *names = getenv("FAILING_CALLS_FOLDERS");
    if (!path || !names)
        return;
    char copy[FOLDERS * PATH_MAX];
    snprintf(copy, sizeof copy, "%s", names);
    for (char *rest, *name = strtok_r(copy, ":", &rest); name && folder_count < NO_FOLDER; name = strtok_r(NULL, ":", &rest))
        snprintf(folders[folder_count++], PATH_MAX, "%s", name);
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return;
    struct control *mapped = mmap(NULL, sizeof *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (mapped == MAP_FAILED)
        return;
    int64_t nobody = 0;
    __atomic_compare_exchange_n(&mapped->daemon, &nobody, getpid(), 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    control = mapped;
}

static int folder_of(const char *path) {
    for (int number = 0; path && number < folder_count; number++) {
        size_t length = strlen(folders[number]);
        if (strncmp(path, folders[number], length) == 0 && (path[length] == '/' || path[length] == 0))
            return number;
    }
    return -1;
}

static int folder_of_file(int descriptor) {
    char link[32], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return -1;
    path[length] = 0;
    return folder_of(path);
}

static int folder_at(int directory, const char *path) {
    return path && path[0] != '/' && directory != AT_FDCWD ? folder_of_file(directory) : folder_of(path);
}

static void end_daemon(void) {
    kill((pid_t)control->daemon, SIGKILL);
    for (;;) /* the call must not come to pass; whoever is not the daemon ends with it */
        pause();
}

/* What befalls this call: 0 nothing, an errno, or KILL_AFTER. */
static int fault_of(enum call call, int folder) {
    if (!control || folder < 0)
        return 0;
    int before = errno;
    __atomic_add_fetch(&control->counts[call][folder], 1, __ATOMIC_SEQ_CST);
    int64_t countdown = __atomic_load_n(&control->countdown, __ATOMIC_SEQ_CST);
    int fault = 0;
    if (control->folder == folder && control->fired && control->afterwards)
        fault = call == LOOK && control->afterwards == EROFS ? 0 : (int)control->afterwards;
    else if (countdown > 0 && control->call == call && control->folder == folder &&
             __atomic_sub_fetch(&control->countdown, 1, __ATOMIC_SEQ_CST) == 0) {
        fault = (int)control->fault;
        __atomic_add_fetch(&control->fired, 1, __ATOMIC_SEQ_CST);
        if (fault == KILL_BEFORE)
            end_daemon();
    }
    errno = before;
    return fault;
}

#define GENUINE(name) static __typeof__(name) *genuine; if (!genuine) genuine = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
#define MEET_OR(failed, name, call, folder, arguments)                                                                 \
    GENUINE(name);                                                                                                     \
    int fault = fault_of(call, folder);                                                                                \
    if (fault > 0) {                                                                                                   \
        errno = fault;                                                                                                 \
        return failed;                                                                                                 \
    }                                                                                                                  \
    __typeof__(genuine arguments) outcome = genuine arguments;                                                         \
    if (fault == KILL_AFTER)                                                                                           \
        end_daemon();                                                                                                  \
    return outcome
#define MEET(...) MEET_OR(-1, __VA_ARGS__)

ssize_t write(int f, const void *b, size_t n) { MEET(write, WRITE, folder_of_file(f), (f, b, n)); }
ssize_t pwrite(int f, const void *b, size_t n, off_t o) { MEET(pwrite, WRITE, folder_of_file(f), (f, b, n, o)); }
ssize_t pwrite64(int f, const void *b, size_t n, off64_t o) { MEET(pwrite64, WRITE, folder_of_file(f), (f, b, n, o)); }
ssize_t writev(int f, const struct iovec *v, int n) { MEET(writev, WRITE, folder_of_file(f), (f, v, n)); }
ssize_t sendfile(int, int, off_t *, size_t);
ssize_t sendfile(int t, int f, off_t *o, size_t n) { MEET(sendfile, WRITE, folder_of_file(t), (t, f, o, n)); }
ssize_t sendfile64(int, int, off64_t *, size_t);
ssize_t sendfile64(int t, int f, off64_t *o, size_t n) { MEET(sendfile64, WRITE, folder_of_file(t), (t, f, o, n)); }
ssize_t copy_file_range(int f, off64_t *fo, int t, off64_t *to, size_t n, unsigned s) {
    MEET(copy_file_range, WRITE, folder_of_file(t), (f, fo, t, to, n, s));
}
int fsync(int f) { MEET(fsync, FSYNC, folder_of_file(f), (f)); }
int fdatasync(int f) { MEET(fdatasync, FDATASYNC, folder_of_file(f), (f)); }
int rename(const char *a, const char *b) { MEET(rename, RENAME, folder_of(b), (a, b)); }
int renameat(int d, const char *a, int e, const char *b) { MEET(renameat, RENAME, folder_at(e, b), (d, a, e, b)); }
int renameat2(int d, const char *a, int e, const char *b, unsigned s) {
    MEET(renameat2, RENAME, folder_at(e, b), (d, a, e, b, s));
}
int unlink(const char *p) { MEET(unlink, UNLINK, folder_of(p), (p)); }
int unlinkat(int d, const char *p, int s) { MEET(unlinkat, UNLINK, folder_at(d, p), (d, p, s)); }
int rmdir(const char *p) { MEET(rmdir, UNLINK, folder_of(p), (p)); }
int mkdir(const char *p, mode_t m) { MEET(mkdir, MKDIR, folder_of(p), (p, m)); }
int mkdirat(int d, const char *p, mode_t m) { MEET(mkdirat, MKDIR, folder_at(d, p), (d, p, m)); }
int link(const char *a, const char *b) { MEET(link, LINK, folder_of(b), (a, b)); }
int linkat(int d, const char *a, int e, const char *b, int s) { MEET(linkat, LINK, folder_at(e, b), (d, a, e, b, s)); }
int symlink(const char *a, const char *b) { MEET(symlink, LINK, folder_of(b), (a, b)); }
int symlinkat(const char *a, int e, const char *b) { MEET(symlinkat, LINK, folder_at(e, b), (a, e, b)); }
int ftruncate(int f, off_t n) { MEET(ftruncate, TRUNCATE, folder_of_file(f), (f, n)); }
int ftruncate64(int f, off64_t n) { MEET(ftruncate64, TRUNCATE, folder_of_file(f), (f, n)); }
int fallocate(int f, int m, off_t o, off_t n) { MEET(fallocate, TRUNCATE, folder_of_file(f), (f, m, o, n)); }
int fallocate64(int f, int m, off64_t o, off64_t n) { MEET(fallocate64, TRUNCATE, folder_of_file(f), (f, m, o, n)); }

#define MODE_OF(flags)                                                                                                 \
    mode_t mode = 0;                                                                                                   \
    if ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE) {                                                                            \
        va_list more;                                                                                                  \
        va_start(more, flags);                                                                                         \
        mode = va_arg(more, mode_t);                                                                                   \
        va_end(more);                                                                                                  \
    }
#define HOW(flags) ((flags) & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC) ? OPEN_FOR_WRITING : LOOK)

int open(const char *p, int s, ...) { MODE_OF(s) MEET(open, HOW(s), folder_of(p), (p, s, mode)); }
int open64(const char *p, int s, ...) { MODE_OF(s) MEET(open64, HOW(s), folder_of(p), (p, s, mode)); }
int openat(int d, const char *p, int s, ...) {
    MODE_OF(s) MEET(openat, HOW(s), folder_at(d, p), (d, p, s, mode));
}
int openat64(int d, const char *p, int s, ...) {
    MODE_OF(s) MEET(openat64, HOW(s), folder_at(d, p), (d, p, s, mode));
}

/* What goes over a socket is in no folder. */
ssize_t send(int f, const void *b, size_t n, int s) { MEET(send, SEND, NO_FOLDER, (f, b, n, s)); }
ssize_t sendto(int f, const void *b, size_t n, int s, const struct sockaddr *a, socklen_t l) {
    MEET(sendto, SEND, NO_FOLDER, (f, b, n, s, a, l));
}
ssize_t sendmsg(int f, const struct msghdr *m, int s) { MEET(sendmsg, SEND, NO_FOLDER, (f, m, s)); }

/* Looking changes nothing; it fails only in a folder that fails altogether. */
int stat(const char *p, struct stat *b) { MEET(stat, LOOK, folder_of(p), (p, b)); }
int stat64(const char *p, struct stat64 *b) { MEET(stat64, LOOK, folder_of(p), (p, b)); }
int lstat(const char *p, struct stat *b) { MEET(lstat, LOOK, folder_of(p), (p, b)); }
int lstat64(const char *p, struct stat64 *b) { MEET(lstat64, LOOK, folder_of(p), (p, b)); }
int fstatat(int d, const char *p, struct stat *b, int s) { MEET(fstatat, LOOK, folder_at(d, p), (d, p, b, s)); }
int fstatat64(int d, const char *p, struct stat64 *b, int s) { MEET(fstatat64, LOOK, folder_at(d, p), (d, p, b, s)); }
int statx(int d, const char *p, int s, unsigned m, struct statx *b) { MEET(statx, LOOK, folder_at(d, p), (d, p, s, m, b)); }
int statvfs(const char *p, struct statvfs *b) { MEET(statvfs, LOOK, folder_of(p), (p, b)); }
int statvfs64(const char *p, struct statvfs64 *b) { MEET(statvfs64, LOOK, folder_of(p), (p, b)); }
int access(const char *p, int m) { MEET(access, LOOK, folder_of(p), (p, m)); }
int faccessat(int d, const char *p, int m, int s) { MEET(faccessat, LOOK, folder_at(d, p), (d, p, m, s)); }
int inotify_add_watch(int f, const char *p, uint32_t m) { MEET(inotify_add_watch, LOOK, folder_of(p), (f, p, m)); }
DIR *opendir(const char *p) { MEET_OR(NULL, opendir, LOOK, folder_of(p), (p)); }
