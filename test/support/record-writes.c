/*
 * Records what a process does to the files below a directory, for tests that cut the power afterwards:
 *   cc -shared -fPIC -O1 -o record-writes.so record-writes.c -ldl -lpthread
 *   LD_PRELOAD=record-writes.so RECORD_BELOW=/absolute/directory RECORD_INTO=/another program
 * Each process appends to its own file in RECORD_INTO. Every record says when its call began and when it had returned, on the
 * monotonic clock that all processes of the machine share; so what a sync covers is known exactly: the writes that had returned
 * before it began. Of sockets only replies that begin with RECORD_REPLIES are recorded, before they leave.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define MAGIC 0x31435257u /* "WRC1" */
#define PARTS_MAX 1024
#define DESCRIPTORS_MAX 65536
#define REPLY_BYTES 64

enum kind { OPENED = 1, WRITTEN = 2, SYNCED = 3, RENAMED = 4, LINKED = 5, UNLINKED = 6, MADE = 7, TRUNCATED = 8, SAID = 9 };
enum flag { IS_DIRECTORY = 1, EMPTIED = 2, ALL_ZERO = 4 };

struct record {
  uint32_t magic;
  uint16_t kind, flags;
  uint64_t began, returned, inode, position, length;
  uint32_t path_bytes, other_bytes; /* of the two paths that follow; then `length` octets unless ALL_ZERO */
};

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int output = -1;
static pid_t output_of;
static unsigned char below[DESCRIPTORS_MAX];

#define REAL(name) ({ static __typeof__(&name) real_; if (!real_) real_ = (__typeof__(&name))dlsym(RTLD_NEXT, #name); real_; })

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Whether a path is recorded. Paths are absolute, as the service uses them. */
static int recorded(const char *path) {
  static const char *root;
  if (root == NULL && (root = getenv("RECORD_BELOW")) == NULL) root = "";
  size_t length = strlen(root);
  return length > 0 && path != NULL && strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/* Nothing that the test then believes may be missing: a recorder that cannot write ends its process. */
static void put(const struct iovec *parts, int count) {
  struct iovec rest[PARTS_MAX + 3];
  memcpy(rest, parts, sizeof(*parts) * (size_t)count);
  for (int at = 0; at < count;) {
    ssize_t done = syscall(SYS_writev, output, rest + at, count - at);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) abort();
    for (; at < count && (size_t)done >= rest[at].iov_len; at++) done -= (ssize_t)rest[at].iov_len;
    if (at < count) {
      rest[at].iov_base = (char *)rest[at].iov_base + done;
      rest[at].iov_len -= (size_t)done;
    }
  }
}

static void open_output(void) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%d.writes", getenv("RECORD_INTO"), (int)getpid());
  output = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (output < 0) abort();
  output_of = getpid();
}

static void add(struct record record, const char *path, const char *other, const struct iovec *parts, int count) {
  struct iovec all[PARTS_MAX + 3];
  int error = errno;
  record.magic = MAGIC;
  record.path_bytes = path == NULL ? 0 : (uint32_t)strlen(path);
  record.other_bytes = other == NULL ? 0 : (uint32_t)strlen(other);
  if (count > PARTS_MAX) abort();
  all[0] = (struct iovec){&record, sizeof record};
  all[1] = (struct iovec){(void *)path, record.path_bytes};
  all[2] = (struct iovec){(void *)other, record.other_bytes};
  if (count > 0) memcpy(all + 3, parts, sizeof(*parts) * (size_t)count);
  pthread_mutex_lock(&turn);
  if (output < 0 || output_of != getpid()) open_output();
  put(all, count + 3);
  pthread_mutex_unlock(&turn);
  errno = error;
}

static int all_zero(const struct iovec *part) {
  const char *octets = part->iov_base;
  size_t length = part->iov_len;
  return length == 0 || (octets[0] == 0 && memcmp(octets, octets + 1, length - 1) == 0);
}

/* What `done` octets of the buffers are, as buffers of their own. */
static int cut(struct iovec *into, const struct iovec *parts, int count, size_t done) {
  int used = 0;
  if (count > PARTS_MAX) abort();
  for (int at = 0; at < count && done > 0; at++) {
    size_t take = parts[at].iov_len < done ? parts[at].iov_len : done;
    into[used++] = (struct iovec){parts[at].iov_base, take};
    done -= take;
  }
  return used;
}

static int file_of(int descriptor, struct stat *entry) {
  if (descriptor < 0 || descriptor >= DESCRIPTORS_MAX || !below[descriptor]) return 0;
  return fstat(descriptor, entry) == 0 && (S_ISREG(entry->st_mode) || S_ISDIR(entry->st_mode));
}

static void wrote(int descriptor, const struct iovec *parts, int count, ssize_t done, int64_t position, uint64_t began) {
  struct iovec taken[PARTS_MAX];
  struct stat entry;
  if (done <= 0 || !file_of(descriptor, &entry)) return;
  struct record record = {.kind = WRITTEN, .began = began, .returned = now(), .inode = entry.st_ino, .length = (uint64_t)done};
  /* The kernel has moved the descriptor's own position behind what was written. */
  record.position = (uint64_t)(position >= 0 ? position : lseek(descriptor, 0, SEEK_CUR) - done);
  int used = cut(taken, parts, count, (size_t)done);
  int zeros = 1;
  for (int at = 0; at < used && zeros; at++) zeros = all_zero(&taken[at]);
  if (zeros) record.flags = ALL_ZERO;
  add(record, NULL, NULL, taken, zeros ? 0 : used);
}

/* A reply is recorded before it leaves: who has it may act at once. */
static void says(int descriptor, const struct iovec *parts, int count) {
  static const char *replies;
  struct stat entry;
  if (replies == NULL && (replies = getenv("RECORD_REPLIES")) == NULL) replies = "";
  size_t length = strlen(replies);
  if (length == 0 || count < 1 || parts[0].iov_len < length || memcmp(parts[0].iov_base, replies, length) != 0) return;
  if (fstat(descriptor, &entry) != 0 || !S_ISSOCK(entry.st_mode)) return;
  struct iovec first = {parts[0].iov_base, parts[0].iov_len < REPLY_BYTES ? parts[0].iov_len : REPLY_BYTES};
  uint64_t at = now();
  add((struct record){.kind = SAID, .began = at, .returned = at, .length = first.iov_len}, NULL, NULL, &first, 1);
}

static void opened(const char *path, int flags, int descriptor, uint64_t began) {
  struct stat entry;
  if (descriptor < 0 || descriptor >= DESCRIPTORS_MAX) return;
  below[descriptor] = (unsigned char)recorded(path);
  if (!file_of(descriptor, &entry)) return;
  struct record record = {.kind = OPENED, .began = began, .returned = now(), .inode = entry.st_ino};
  if (S_ISDIR(entry.st_mode)) record.flags |= IS_DIRECTORY;
  if (flags & O_TRUNC) record.flags |= EMPTIED;
  record.position = (uint64_t)((flags & O_CREAT) != 0);
  add(record, path, NULL, NULL, 0);
}

static void named(enum kind kind, const char *path, const char *other, uint64_t began) {
  struct stat entry;
  struct record record = {.kind = (uint16_t)kind, .began = began, .returned = now()};
  if (kind == MADE && stat(path, &entry) == 0) record.inode = entry.st_ino;
  add(record, path, other, NULL, 0);
}

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    va_list more; \
    va_start(more, flags); \
    mode_t mode = va_arg(more, mode_t); \
    va_end(more); \
    uint64_t began = now(); \
    int descriptor = REAL(name)(path, flags, mode); \
    opened(path, flags, descriptor, began); \
    return descriptor; \
  }
OPEN(open)
OPEN(open64)

#define WRITE_AT(name, offset) \
  ssize_t name(int descriptor, const void *octets, size_t length, offset position) { \
    uint64_t began = now(); \
    ssize_t done = REAL(name)(descriptor, octets, length, position); \
    struct iovec part = {(void *)octets, length}; \
    wrote(descriptor, &part, 1, done, position, began); \
    return done; \
  }
WRITE_AT(pwrite, off_t)
WRITE_AT(pwrite64, off64_t)

#define WRITE_PARTS_AT(name, offset) \
  ssize_t name(int descriptor, const struct iovec *parts, int count, offset position) { \
    uint64_t began = now(); \
    ssize_t done = REAL(name)(descriptor, parts, count, position); \
    wrote(descriptor, parts, count, done, position, began); \
    return done; \
  }
WRITE_PARTS_AT(pwritev, off_t)
WRITE_PARTS_AT(pwritev64, off64_t)

ssize_t write(int descriptor, const void *octets, size_t length) {
  struct iovec part = {(void *)octets, length};
  uint64_t began = now();
  says(descriptor, &part, 1);
  ssize_t done = REAL(write)(descriptor, octets, length);
  wrote(descriptor, &part, 1, done, -1, began);
  return done;
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
  uint64_t began = now();
  says(descriptor, parts, count);
  ssize_t done = REAL(writev)(descriptor, parts, count);
  wrote(descriptor, parts, count, done, -1, began);
  return done;
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags) {
  says(descriptor, message->msg_iov, (int)message->msg_iovlen);
  return REAL(sendmsg)(descriptor, message, flags);
}

#define SYNC(name) \
  int name(int descriptor) { \
    struct stat entry; \
    uint64_t began = now(); \
    int result = REAL(name)(descriptor); \
    uint64_t returned = now(); \
    if (result == 0 && file_of(descriptor, &entry)) \
      add((struct record){.kind = SYNCED, .began = began, .returned = returned, .inode = entry.st_ino}, NULL, NULL, NULL, 0); \
    return result; \
  }
SYNC(fsync)
SYNC(fdatasync)

#define TRUNCATE(name, offset) \
  int name(int descriptor, offset length) { \
    struct stat entry; \
    uint64_t began = now(); \
    int result = REAL(name)(descriptor, length); \
    if (result == 0 && file_of(descriptor, &entry)) \
      add((struct record){.kind = TRUNCATED, .began = began, .returned = now(), .inode = entry.st_ino, .position = (uint64_t)length}, \
          NULL, NULL, NULL, 0); \
    return result; \
  }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define TWO_NAMES(name, kind) \
  int name(const char *from, const char *to) { \
    uint64_t began = now(); \
    int result = REAL(name)(from, to); \
    if (result == 0 && recorded(from)) named(kind, from, to, began); \
    return result; \
  }
TWO_NAMES(rename, RENAMED)
TWO_NAMES(link, LINKED)

#define ONE_NAME(name) \
  int name(const char *path) { \
    uint64_t began = now(); \
    int result = REAL(name)(path); \
    if (result == 0 && recorded(path)) named(UNLINKED, path, NULL, began); \
    return result; \
  }
ONE_NAME(unlink)
ONE_NAME(rmdir)

int mkdir(const char *path, mode_t mode) {
  uint64_t began = now();
  int result = REAL(mkdir)(path, mode);
  if (result == 0 && recorded(path)) named(MADE, path, NULL, began);
  return result;
}
