/* Many jobs at once, each of which checks that every task of every phase was done once,
and no phase begun before the one below it had ended. See tests/sanitize.sh. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "team.h"

#define PHASES 50
#define MOST_TASKS 70
#define MANY_TASKS 5000

typedef struct {
    unsigned seed;
    int n_threads;
    long done[PHASES][MOST_TASKS]; /* plain memory: a race would be seen */
    long ranks[64];
} Job;

static _Atomic long by_others, all_tasks;

static int n_tasks(const Job *job, long phase)
{
    return phase == PHASES ? 0 : 1 + (int)((job->seed + 7 * (unsigned long)phase) % MOST_TASKS);
}

static int plan(void *what, long phase)
{
    return n_tasks(what, phase);
}

static void work(void *what, long phase, int task, int rank)
{
    Job *job = what;
    long below = phase ? job->done[phase - 1][task % n_tasks(job, phase - 1)] : 1;
    job->done[phase][task] += below; /* 1, if that below was done once, and before */
    job->ranks[rank]++;
}

/* One phase of so many tasks that they are taken in lots. */
static int plan_many(void *what, long phase)
{
    (void)what;
    return phase ? 0 : MANY_TASKS;
}

static void work_many(void *what, long phase, int task, int rank)
{
    (void)phase;
    (void)rank;
    ((char *)what)[task]++;
}

static long many(void)
{
    char done[MANY_TASKS] = {0};
    long wrong = team_do(4, plan_many, work_many, done);
    for (int task = 0; task < MANY_TASKS; task++)
        wrong += done[task] != 1;
    return wrong;
}

static void *ask(void *what)
{
    unsigned seed = (unsigned)(size_t)what;
    long wrong = 0;
    for (int i = 0; i < 200; i++, seed += 13) {
        Job *job = calloc(1, sizeof *job);
        job->seed = seed;
        job->n_threads = 1 + (int)(seed % 9);
        if (team_do(job->n_threads, plan, work, job))
            exit(3);
        long all = 0, by_rank = 0;
        for (long phase = 0; phase < PHASES; phase++)
            for (int task = 0; task < MOST_TASKS; task++) {
                wrong += job->done[phase][task] != (task < n_tasks(job, phase));
                all += task < n_tasks(job, phase);
            }
        for (int rank = 0; rank < job->n_threads; rank++)
            by_rank += job->ranks[rank];
        wrong += by_rank != all;
        atomic_fetch_add(&by_others, all - job->ranks[0]);
        atomic_fetch_add(&all_tasks, all);
        free(job); /* a thread that still looked at it would be seen */
    }
    return (void *)wrong;
}

static long at_once(size_t n)
{
    pthread_t askers[8];
    long wrong = 0;
    for (size_t i = 0; i < n; i++)
        if (pthread_create(&askers[i], NULL, ask, (void *)(i + 1)))
            exit(4);
    for (size_t i = 0; i < n; i++) {
        void *of;
        pthread_join(askers[i], &of);
        wrong += (long)of;
    }
    return wrong;
}

static int child_fails(void)
{
    pid_t child = fork();
    if (!child)
        _exit(ask((void *)7) || at_once(2) ? 1 : 0);
    int status = 1;
    waitpid(child, &status, 0);
    return status != 0;
}

int main(int argc, char **argv)
{
    (void)argv;
    long wrong = many() + (long)ask((void *)5) + at_once(5);
    if (argc == 1) { /* ThreadSanitizer does not follow forks of many threads */
        for (int i = 0; i < 10; i++)
            wrong += child_fails();
        for (int i = 0; i < 10; i++) { /* while there is a job */
            pthread_t busy;
            void *of;
            if (pthread_create(&busy, NULL, ask, (void *)3))
                exit(4);
            wrong += child_fails();
            pthread_join(busy, &of);
            wrong += (long)of;
        }
    }
    wrong += at_once(8);
    printf("%ld wrong; %ld of %ld tasks done by those who did not ask\n", wrong,
           atomic_load(&by_others), atomic_load(&all_tasks));
    return wrong != 0;
}
