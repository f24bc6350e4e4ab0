/* Writes down, in their order, what a program does to the files whose paths begin with $JOURNAL_OF: the file $JOURNAL
 * gets records of kind, number of the file, offset and length (8 bytes each), then the bytes. Loaded before the C library. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static ssize_t plain_write(int fd, const void *bytes, size_t length)
{
    static ssize_t (*next)(int, const void *, size_t);
    if (!next)
        next = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    return next(fd, bytes, length);
}

/* 0 the catalog, 1 its log of pages, 2 the answers, -1 anything else. */
static int number(int fd)
{
    const char *of = getenv("JOURNAL_OF");
    char link[64], path[PATH_MAX + 1];
    if (!of)
        return -1;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX);
    if (length < 0 || strncmp(path, of, strlen(of)) != 0 || (size_t)length < strlen(of))
        return -1;
    path[length] = 0;
    const char *end = path + strlen(of);
    return !*end ? 0 : !strcmp(end, "-wal") ? 1 : !strcmp(end, ".answers") ? 2 : -1;
}

static void note(uint64_t kind, int file, uint64_t offset, const void *bytes, uint64_t length)
{
    static int journal = -1;
    uint64_t head[4] = {kind, (uint64_t)file, offset, length};
    pthread_mutex_lock(&lock);
    if (journal < 0)
        journal = open(getenv("JOURNAL"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (plain_write(journal, head, sizeof head) != sizeof head ||
        (bytes && plain_write(journal, bytes, length) != (ssize_t)length))
        abort();
    pthread_mutex_unlock(&lock);
}

#define NEXT(name) \
    static __typeof__(&name) next; \
    if (!next) \
        next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *bytes, size_t length)
{
    int file = number(fd);
    ssize_t done = plain_write(fd, bytes, length);
    if (file >= 0 && done > 0)
        note('W', file, file == 2 ? 0 : (uint64_t)lseek(fd, 0, SEEK_CUR) - done, bytes, done);
    return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset)
{
    NEXT(pwrite64);
    int file = number(fd);
    ssize_t done = next(fd, bytes, length, offset);
    if (file >= 0 && done > 0)
        note('W', file, offset, bytes, done);
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    return pwrite64(fd, bytes, length, offset);
}

int ftruncate64(int fd, off64_t length)
{
    NEXT(ftruncate64);
    int file = number(fd), done = next(fd, length);
    if (file >= 0 && done == 0)
        note('T', file, length, NULL, 0);
    return done;
}

int ftruncate(int fd, off_t length)
{
    return ftruncate64(fd, length);
}

int fdatasync(int fd)
{
    NEXT(fdatasync);
    int file = number(fd), done = next(fd);
    if (file >= 0 && done == 0)
        note('S', file, 0, NULL, 0);
    return done;
}

int fsync(int fd)
{
    NEXT(fsync);
    int file = number(fd), done = next(fd);
    if (file >= 0 && done == 0)
        note('S', file, 0, NULL, 0);
    return done;
}
