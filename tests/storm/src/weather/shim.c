/* Weather for one process: loaded before the C library (LD_PRELOAD), it stands between the program
 * and the files below one folder. The storm compiles it with `cc -shared -fPIC`.
 *
 *   STORM_STORE     the folder, absolute, ending in '/'
 *   STORM_WEATHER   the control file: words of 64 bits, see below; shared by mapping
 *   STORM_UNDO      a folder for what a power loss needs to know, see undo.rs; absent: none
 *
 * It sees calls of the C library, not system calls made by hand, and not what is written through
 * a mapping: of SQLite's files only the index of the log, which a restart rebuilds. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { SLOW_MIN_US, SLOW_MAX_US, QUOTA_BYTES, EIO_LEFT, SYNCS, REFUSED, FAILED, USED_BYTES, WORDS = 512 };
enum { UNKNOWN, OTHER, OURS };
#define FDS_MAX 65536
#define SCAN_EVERY_MS 50

static volatile int64_t *control;
static char store[PATH_MAX];
static size_t store_len;
static unsigned char kinds[FDS_MAX];
static int undo_fd = -1;
static uint64_t undo_seq;
static pthread_mutex_t room_lock = PTHREAD_MUTEX_INITIALIZER, undo_lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t used_bytes, scanned_ms = -1;

#define REAL(result, name, ...)                                              \
	static result (*real_##name)(__VA_ARGS__);                           \
	if (!real_##name) real_##name = dlsym(RTLD_NEXT, #name)

static ssize_t real_pwrite_all(int fd, const void *bytes, size_t len, off_t at)
{
	REAL(ssize_t, pwrite64, int, const void *, size_t, off_t);
	return real_pwrite64(fd, bytes, len, at);
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int is_in_store(const char *path)
{
	return strncmp(path, store, store_len) == 0 || (strlen(path) == store_len - 1 && !strncmp(path, store, store_len - 1));
}

/* Whose file this is: looked up at its first use, forgotten when it is closed. */
static int is_ours(int fd)
{
	if (!control || fd < 0 || fd >= FDS_MAX) return 0;
	if (kinds[fd] == UNKNOWN) {
		char link[64], path[PATH_MAX];
		snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		ssize_t len = readlink(link, path, sizeof path - 1);
		if (len < 0) return 0;
		path[len] = 0;
		kinds[fd] = is_in_store(path) ? OURS : OTHER;
	}
	return kinds[fd] == OURS;
}

/* ---- room ---- */

static int64_t bytes_below(int dir)
{
	int64_t sum = 0;
	DIR *entries = fdopendir(dir);
	if (!entries) { close(dir); return 0; }
	for (struct dirent *entry; (entry = readdir(entries));) {
		struct stat stat;
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
		if (fstatat(dirfd(entries), entry->d_name, &stat, AT_SYMLINK_NOFOLLOW)) continue;
		if (S_ISREG(stat.st_mode)) sum += stat.st_size;
		if (S_ISDIR(stat.st_mode)) {
			int below = openat(dirfd(entries), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			if (below >= 0) sum += bytes_below(below);
		}
	}
	closedir(entries);
	return sum;
}

/* With `room_lock` held. */
static void look_at_room(void)
{
	int64_t now = now_ms();
	if (scanned_ms >= 0 && now - scanned_ms < SCAN_EVERY_MS) return;
	int dir = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0) used_bytes = bytes_below(dir);
	scanned_ms = now;
	control[USED_BYTES] = used_bytes;
}

static void room_changed(void)
{
	pthread_mutex_lock(&room_lock);
	scanned_ms = -1;
	pthread_mutex_unlock(&room_lock);
}

/* Whether a file may not grow to `end`; then errno says why. */
static int has_no_room(int fd, int64_t end)
{
	if (!control[QUOTA_BYTES]) return 0;
	struct stat stat;
	if (fstat(fd, &stat) || end <= stat.st_size) return 0;
	pthread_mutex_lock(&room_lock);
	look_at_room();
	int refused = used_bytes + (end - stat.st_size) > control[QUOTA_BYTES];
	if (!refused) used_bytes += end - stat.st_size;
	pthread_mutex_unlock(&room_lock);
	if (refused) {
		__atomic_add_fetch(&control[REFUSED], 1, __ATOMIC_RELAXED);
		errno = ENOSPC;
	}
	return refused;
}

/* ---- what a power loss would undo ---- */

struct undo { uint64_t op, seq, ino, offset, size_before, new_len, data_len; };

/* One write to a file opened for appending. With `undo_lock` held. */
static void put_undo(char op, uint64_t ino, uint64_t offset, uint64_t before, uint64_t new_len, const void *data, size_t len)
{
	struct undo undo = { op, ++undo_seq, ino, offset, before, new_len, len };
	struct iovec parts[2] = { { &undo, sizeof undo }, { (void *)data, len } };
	REAL(ssize_t, writev, int, const struct iovec *, int);
	if (real_writev(undo_fd, parts, 2) != (ssize_t)(sizeof undo + len)) abort();
}

/* Notes what [from, from + len) holds now. With `undo_lock` held. */
static void note_before(char op, int fd, int64_t from, int64_t len)
{
	struct stat stat;
	if (fstat(fd, &stat) || !S_ISREG(stat.st_mode)) return;
	int64_t held = stat.st_size <= from ? 0 : stat.st_size - from < len ? stat.st_size - from : len;
	char *bytes = malloc(held + 1);
	/* A file opened for writing only is read by another way in. */
	ssize_t got = held ? pread(fd, bytes, held, from) : 0;
	if (got < 0) {
		char path[64];
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		int again = open(path, O_RDONLY | O_CLOEXEC);
		got = pread(again, bytes, held, from);
		close(again);
	}
	if (got != held) abort();
	put_undo(op, stat.st_ino, from, stat.st_size, len, bytes, held);
	free(bytes);
}

/* ---- writing ---- */

static ssize_t written(int fd, const void *bytes, size_t len, off_t at)
{
	if (has_no_room(fd, at + (int64_t)len)) return -1;
	if (undo_fd < 0) return real_pwrite_all(fd, bytes, len, at);
	pthread_mutex_lock(&undo_lock);
	note_before('W', fd, at, len);
	ssize_t done = real_pwrite_all(fd, bytes, len, at);
	pthread_mutex_unlock(&undo_lock);
	return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
{
	return is_ours(fd) ? written(fd, bytes, len, at) : real_pwrite_all(fd, bytes, len, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at) { return pwrite64(fd, bytes, len, at); }

/* Where the next plain write to this file goes. */
static int64_t place(int fd)
{
	struct stat stat;
	return fcntl(fd, F_GETFL) & O_APPEND && !fstat(fd, &stat) ? stat.st_size : lseek(fd, 0, SEEK_CUR);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
	REAL(ssize_t, write, int, const void *, size_t);
	if (!is_ours(fd)) return real_write(fd, bytes, len);
	if (has_no_room(fd, place(fd) + (int64_t)len)) return -1;
	if (undo_fd < 0) return real_write(fd, bytes, len);
	pthread_mutex_lock(&undo_lock);
	note_before('W', fd, place(fd), len);
	ssize_t done = real_write(fd, bytes, len);
	pthread_mutex_unlock(&undo_lock);
	return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	REAL(ssize_t, writev, int, const struct iovec *, int);
	if (!is_ours(fd)) return real_writev(fd, parts, count);
	int64_t len = 0;
	for (int i = 0; i < count; i++) len += parts[i].iov_len;
	if (has_no_room(fd, place(fd) + len)) return -1;
	if (undo_fd < 0) return real_writev(fd, parts, count);
	pthread_mutex_lock(&undo_lock);
	note_before('W', fd, place(fd), len);
	ssize_t done = real_writev(fd, parts, count);
	pthread_mutex_unlock(&undo_lock);
	return done;
}

int ftruncate64(int fd, off_t size)
{
	REAL(int, ftruncate64, int, off_t);
	if (!is_ours(fd)) return real_ftruncate64(fd, size);
	if (has_no_room(fd, size)) return -1;
	if (undo_fd >= 0) {
		pthread_mutex_lock(&undo_lock);
		note_before('W', fd, size, INT64_MAX / 4);
		int done = real_ftruncate64(fd, size);
		pthread_mutex_unlock(&undo_lock);
		return done;
	}
	int done = real_ftruncate64(fd, size);
	room_changed();
	return done;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int allocated(int fd, off_t at, off_t len)
{
	if (has_no_room(fd, at + len)) return -1;
	if (undo_fd < 0) return 0;
	pthread_mutex_lock(&undo_lock);
	note_before('W', fd, at + len, 0);
	pthread_mutex_unlock(&undo_lock);
	return 0;
}

int fallocate64(int fd, int mode, off_t at, off_t len)
{
	REAL(int, fallocate64, int, int, off_t, off_t);
	if (is_ours(fd) && allocated(fd, at, len)) return -1;
	return real_fallocate64(fd, mode, at, len);
}

int fallocate(int fd, int mode, off_t at, off_t len) { return fallocate64(fd, mode, at, len); }

int posix_fallocate64(int fd, off_t at, off_t len)
{
	REAL(int, posix_fallocate64, int, off_t, off_t);
	if (is_ours(fd) && allocated(fd, at, len)) return errno;
	return real_posix_fallocate64(fd, at, len);
}

int posix_fallocate(int fd, off_t at, off_t len) { return posix_fallocate64(fd, at, len); }

/* ---- syncing ---- */

static int synced(int fd, int (*real)(int))
{
	__atomic_add_fetch(&control[SYNCS], 1, __ATOMIC_RELAXED);
	int64_t low = control[SLOW_MIN_US], high = control[SLOW_MAX_US];
	if (high > 0) {
		int64_t us = low + (high > low ? random() % (high - low) : 0);
		struct timespec wait = { us / 1000000, us % 1000000 * 1000 };
		while (nanosleep(&wait, &wait) && errno == EINTR) {}
	}
	for (int64_t left = control[EIO_LEFT]; left > 0;) {
		if (!__atomic_compare_exchange_n(&control[EIO_LEFT], &left, left - 1, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) continue;
		__atomic_add_fetch(&control[FAILED], 1, __ATOMIC_RELAXED);
		errno = EIO;
		return -1;
	}
	if (undo_fd < 0) return real(fd);
	pthread_mutex_lock(&undo_lock);
	uint64_t until = undo_seq;
	pthread_mutex_unlock(&undo_lock);
	/* The file is on disk as it was before; what is written meanwhile may be or not. */
	int done = real(fd);
	struct stat stat;
	if (done || fstat(fd, &stat)) return done;
	char link[64], path[PATH_MAX];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t len = S_ISDIR(stat.st_mode) ? readlink(link, path, sizeof path) : 0;
	pthread_mutex_lock(&undo_lock);
	put_undo(S_ISDIR(stat.st_mode) ? 'D' : 'S', stat.st_ino, until, 0, 0, path, len < 0 ? 0 : len);
	pthread_mutex_unlock(&undo_lock);
	return done;
}

int fsync(int fd)
{
	REAL(int, fsync, int);
	return is_ours(fd) ? synced(fd, real_fsync) : real_fsync(fd);
}

int fdatasync(int fd)
{
	REAL(int, fdatasync, int);
	return is_ours(fd) ? synced(fd, real_fdatasync) : real_fdatasync(fd);
}

/* ---- names ---- */

int close(int fd)
{
	REAL(int, close, int);
	/* Before: the number may be someone else's at once. */
	if (fd >= 0 && fd < FDS_MAX) kinds[fd] = UNKNOWN;
	return real_close(fd);
}

int unlink(const char *path)
{
	REAL(int, unlink, const char *);
	int done = real_unlink(path);
	if (control && !done) room_changed();
	return done;
}

int rename(const char *from, const char *to)
{
	REAL(int, rename, const char *, const char *);
	char place[PATH_MAX];
	const char *slash = strrchr(to, '/');
	if (undo_fd < 0 || !slash || slash == to || !is_in_store(to)) return real_rename(from, to);
	pthread_mutex_lock(&undo_lock);
	int len = snprintf(place, sizeof place, "%s%c%s", from, 0, to);
	int done = real_rename(from, to);
	if (!done) put_undo('R', 0, 0, 0, 0, place, len);
	pthread_mutex_unlock(&undo_lock);
	return done;
}

/* ---- asking for room ---- */

static int asks_of_store(const char *path)
{
	char whole[PATH_MAX];
	return control && control[QUOTA_BYTES] && realpath(path, whole) && is_in_store(whole);
}

static int64_t free_bytes(void)
{
	pthread_mutex_lock(&room_lock);
	look_at_room();
	int64_t left = control[QUOTA_BYTES] - used_bytes;
	pthread_mutex_unlock(&room_lock);
	return left < 0 ? 0 : left;
}

/* The same fields in either shape. */
#define TELL_ROOM(done, size)                                                \
	if (!(done)) {                                                       \
		into->f_blocks = control[QUOTA_BYTES] / (size);              \
		into->f_bfree = into->f_bavail = free_bytes() / (size);      \
	}                                                                    \
	return (done)

#define ASK(name, shape, unit)                                               \
	int name(const char *path, struct shape *into)                       \
	{                                                                    \
		REAL(int, name, const char *, struct shape *);               \
		int done = real_##name(path, into);                          \
		if (!asks_of_store(path)) return done;                       \
		TELL_ROOM(done, into->unit);                                 \
	}                                                                    \
	int f##name(int fd, struct shape *into)                              \
	{                                                                    \
		REAL(int, f##name, int, struct shape *);                     \
		int done = real_f##name(fd, into);                           \
		if (!is_ours(fd) || !control[QUOTA_BYTES]) return done;      \
		TELL_ROOM(done, into->unit);                                 \
	}

ASK(statvfs, statvfs, f_frsize)
ASK(statvfs64, statvfs64, f_frsize)
ASK(statfs, statfs, f_bsize)
ASK(statfs64, statfs64, f_bsize)

/* ---- beginning ---- */

__attribute__((constructor)) static void begin(void)
{
	/* Whoever started us and is gone cannot end us: we end with it, also when stopped. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	const char *folder = getenv("STORM_STORE"), *file = getenv("STORM_WEATHER"), *undo = getenv("STORM_UNDO");
	if (!folder || !file || strlen(folder) >= sizeof store) return;
	strcpy(store, folder);
	store_len = strlen(store);
	int fd = open(file, O_RDWR | O_CLOEXEC);
	if (fd < 0) return;
	if (undo) {
		char path[PATH_MAX];
		snprintf(path, sizeof path, "%s/%d", undo, getpid());
		undo_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	}
	srandom(getpid());
	void *mapped = mmap(NULL, WORDS * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	/* From here on it is weather. */
	if (mapped != MAP_FAILED) control = mapped;
}
