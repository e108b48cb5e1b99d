/* Kills the process before its n-th change of a file or folder: loaded by LD_PRELOAD, armed by kill_before_step(n).

   Every system call that changes files passes one of the functions below, whether Python, SQLite or the C library
   makes it. Writes to sockets and pipes do not count. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long steps_left = -1;

void kill_before_step(long step) { atomic_store(&steps_left, step); }

static void count_step(void) {
  long left = atomic_load(&steps_left);
  while (left > 0 && !atomic_compare_exchange_weak(&steps_left, &left, left - 1)) {
  }
  if (left == 1) kill(getpid(), SIGKILL);
}

static void count_write(int descriptor) {
  struct stat found;
  if (fstat(descriptor, &found) == 0 && S_ISREG(found.st_mode)) count_step();
}

#define NEXT(name) __typeof__(&name) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define PATH_CALL(name, parameters, arguments) \
  int name parameters {                        \
    NEXT(name);                                \
    count_step();                              \
    return next arguments;                     \
  }

PATH_CALL(rename, (const char *from, const char *to), (from, to))
PATH_CALL(renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
PATH_CALL(unlink, (const char *path), (path))
PATH_CALL(unlinkat, (int folder, const char *path, int flags), (folder, path, flags))
PATH_CALL(mkdir, (const char *path, mode_t mode), (path, mode))
PATH_CALL(mkdirat, (int folder, const char *path, mode_t mode), (folder, path, mode))
PATH_CALL(rmdir, (const char *path), (path))
PATH_CALL(ftruncate, (int descriptor, off_t size), (descriptor, size))
PATH_CALL(ftruncate64, (int descriptor, off64_t size), (descriptor, size))
PATH_CALL(fsync, (int descriptor), (descriptor))
PATH_CALL(fdatasync, (int descriptor), (descriptor))

#define WRITE_CALL(name, descriptor, parameters, arguments) \
  ssize_t name parameters {                                 \
    NEXT(name);                                             \
    count_write(descriptor);                                \
    return next arguments;                                  \
  }

WRITE_CALL(write, to, (int to, const void *bytes, size_t size), (to, bytes, size))
WRITE_CALL(pwrite, to, (int to, const void *bytes, size_t size, off_t at), (to, bytes, size, at))
WRITE_CALL(pwrite64, to, (int to, const void *bytes, size_t size, off64_t at), (to, bytes, size, at))
WRITE_CALL(sendfile, to, (int to, int from, off_t *at, size_t size), (to, from, at, size))
WRITE_CALL(sendfile64, to, (int to, int from, off64_t *at, size_t size), (to, from, at, size))

#define OPEN_CALL(name, parameters, arguments) \
  int name parameters {                        \
    NEXT(name);                                \
    mode_t mode = 0;                           \
    if (flags & (O_CREAT | O_TRUNC)) {         \
      va_list rest;                            \
      va_start(rest, flags);                   \
      mode = va_arg(rest, mode_t);             \
      va_end(rest);                            \
      count_step();                            \
    }                                          \
    return next arguments;                     \
  }

OPEN_CALL(open, (const char *path, int flags, ...), (path, flags, mode))
OPEN_CALL(open64, (const char *path, int flags, ...), (path, flags, mode))
OPEN_CALL(openat, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
OPEN_CALL(openat64, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
