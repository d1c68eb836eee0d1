#define _POSIX_C_SOURCE 200809L
#include "team.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

/* How long a thread looks whether there is more to do before it goes to sleep, in
nanoseconds: in a job, and between two. It takes about as long to wake one. By the
clock, as a pause is ten times as long on one processor as on another, and as a thread
that was kept from running has looked long enough. */
#define LOOK_IN_JOB 100000
#define LOOK_BETWEEN 25000

/* Tasks of a phase are taken in so many lots at most. */
#define MOST_LOTS 1024
#define MOST_THREADS 256

static inline void breathe(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

typedef struct Job {
    team_plan plan;
    team_work work;
    void *what; /* gone once the job has ended: then there are no tasks to take */
    int n_threads;
    _Atomic int joined;   /* threads that came, some perhaps too late */
    _Atomic int holders;  /* who may still look at this memory */
    _Atomic uint64_t now; /* the phase, and its number of tasks: 0 at the end */
    _Atomic int done;     /* lots of this phase that have ended */
    struct Job *next;
    _Atomic long taken[MOST_LOTS]; /* 1 + the last phase it was taken in */
} Job;

/* Jobs that could do with more threads, threads that wait for a job, and those that
wait for the next phase of theirs. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t new_job = PTHREAD_COND_INITIALIZER;
static pthread_cond_t new_phase = PTHREAD_COND_INITIALIZER;
static _Atomic int sleepers; /* of the second kind */
static Job *_Atomic jobs;
static int n_workers;

static uint64_t packed(long phase, int tasks)
{
    return (uint64_t)phase << 32 | (uint32_t)tasks;
}

static int64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void drop(Job *job)
{
    if (atomic_fetch_sub(&job->holders, 1) == 1)
        free(job);
}

static void wake(void)
{
    if (atomic_load(&sleepers)) {
        pthread_mutex_lock(&lock);
        pthread_cond_broadcast(&new_phase);
        pthread_mutex_unlock(&lock);
    }
}

/* Wait until the job has come further than `seen`. */
static void wait_for(Job *job, uint64_t seen)
{
    int64_t end = nanoseconds() + LOOK_IN_JOB;
    do {
        for (int i = 0; i < 8; i++, breathe())
            if (atomic_load_explicit(&job->now, memory_order_acquire) != seen)
                return;
    } while (nanoseconds() < end);
    pthread_mutex_lock(&lock);
    atomic_fetch_add(&sleepers, 1);
    while (atomic_load(&job->now) == seen)
        pthread_cond_wait(&new_phase, &lock);
    atomic_fetch_sub(&sleepers, 1);
    pthread_mutex_unlock(&lock);
}

/* Take tasks until the job has ended. */
static void take_part(Job *job, int rank)
{
    for (;;) {
        uint64_t now = atomic_load_explicit(&job->now, memory_order_acquire);
        long phase = (long)(now >> 32);
        int64_t tasks = (int64_t)(now & UINT32_MAX);
        if (!tasks)
            return;
        int lots = tasks < MOST_LOTS ? (int)tasks : MOST_LOTS, last = 0;
        int first = lots * rank / job->n_threads;
        for (int i = 0; i < lots && !last; i++) {
            int lot = first + i < lots ? first + i : first + i - lots;
            long before = atomic_load_explicit(&job->taken[lot], memory_order_relaxed);
            if (before > phase
                || !atomic_compare_exchange_strong(&job->taken[lot], &before, phase + 1))
                continue;
            for (int64_t task = tasks * lot / lots; task < tasks * (lot + 1) / lots; task++)
                job->work(job->what, phase, (int)task, rank);
            last = atomic_fetch_add(&job->done, 1) + 1 == lots;
        }
        if (last) {
            atomic_store(&job->done, 0);
            int more = job->plan(job->what, phase + 1);
            atomic_store(&job->now, packed(phase + 1, more));
            wake();
        } else {
            wait_for(job, now);
        }
    }
}

/* A job that takes one more, and this thread's rank in it; under the lock. */
static Job *join(int *rank)
{
    for (Job *job = atomic_load(&jobs); job; job = job->next)
        if ((atomic_load(&job->now) & UINT32_MAX)
            && atomic_load(&job->joined) < job->n_threads) {
            *rank = atomic_fetch_add(&job->joined, 1);
            atomic_fetch_add(&job->holders, 1);
            return job;
        }
    return NULL;
}

static void *worker(void *nothing)
{
    (void)nothing;
    pthread_mutex_lock(&lock);
    for (;;) {
        int rank = 0;
        Job *job = join(&rank);
        if (!job) {
            pthread_cond_wait(&new_job, &lock);
            continue;
        }
        pthread_mutex_unlock(&lock);
        take_part(job, rank);
        drop(job);
        int64_t end = nanoseconds() + LOOK_BETWEEN;
        while (!atomic_load(&jobs) && nanoseconds() < end)
            breathe(); /* the next job is often the same climb's */
        pthread_mutex_lock(&lock);
    }
    return NULL;
}

/* As many workers as the largest job can use; under the lock. */
static void hire(int wanted)
{
    sigset_t most, before; /* signals are for Python's threads, but for faults */
    sigfillset(&most);
    for (int i = 0; i < 4; i++)
        sigdelset(&most, (int[]){SIGSEGV, SIGBUS, SIGFPE, SIGILL}[i]);
    pthread_sigmask(SIG_SETMASK, &most, &before);
    while (n_workers < wanted && n_workers < MOST_THREADS) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, worker, NULL))
            break; /* then there are fewer */
        pthread_detach(thread);
        n_workers++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* A fork leaves its child the memory of this process, and none of its threads. */
static void begin_anew(void)
{
    static const pthread_mutex_t fresh_lock = PTHREAD_MUTEX_INITIALIZER;
    static const pthread_cond_t fresh = PTHREAD_COND_INITIALIZER;
    lock = fresh_lock;
    new_job = new_phase = fresh;
    atomic_store(&sleepers, 0);
    atomic_store(&jobs, NULL);
    n_workers = 0;
}

static void register_fork(void)
{
    pthread_atfork(NULL, NULL, begin_anew);
}

static void alone(team_plan plan, team_work work, void *what)
{
    int tasks;
    for (long phase = 0; (tasks = plan(what, phase)); phase++)
        for (int task = 0; task < tasks; task++)
            work(what, phase, task, 0);
}

int team_do(int n_threads, team_plan plan, team_work work, void *what)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (n_threads <= 1) {
        alone(plan, work, what);
        return 0;
    }
    pthread_once(&once, register_fork);
    int tasks = plan(what, 0);
    if (!tasks)
        return 0;
    Job *job = calloc(1, sizeof *job);
    if (!job)
        return -1;
    job->plan = plan;
    job->work = work;
    job->what = what;
    job->n_threads = n_threads < MOST_THREADS ? n_threads : MOST_THREADS;
    atomic_init(&job->joined, 1);
    atomic_init(&job->holders, 1);
    atomic_init(&job->now, packed(0, tasks));

    pthread_mutex_lock(&lock);
    hire(job->n_threads - 1);
    job->next = atomic_load(&jobs);
    atomic_store(&jobs, job);
    for (int i = 1; i < job->n_threads; i++)
        pthread_cond_signal(&new_job);
    pthread_mutex_unlock(&lock);

    take_part(job, 0);

    pthread_mutex_lock(&lock);
    Job *at = atomic_load(&jobs);
    if (at == job) {
        atomic_store(&jobs, job->next);
    } else {
        while (at->next != job)
            at = at->next;
        at->next = job->next;
    }
    pthread_mutex_unlock(&lock);
    drop(job);
    return 0;
}
