/* A team: threads that take the tasks of a job, phase after phase.

A job is a sequence of phases, each a number of tasks that may run in any order and at
the same time; a phase begins when the last one has ended. Nobody owns a task: whoever
has nothing to do takes the next one, its own share first. So a thread that the machine
does not let run delays nobody, unless it sleeps in the middle of a task, and the one
that asked for the job could do all of it alone.

What a task computes may not depend on who runs it. Then nothing depends on the number
of threads.
*/
#ifndef SKNEURON_TEAM_H
#define SKNEURON_TEAM_H

/* The number of tasks in a phase; 0: the job has ended. */
typedef int (*team_plan)(void *what, long phase);
/* Do a task. `rank` tells threads apart: from 0, below the number asked for. */
typedef void (*team_work)(void *what, long phase, int task, int rank);

/* Do a job with so many threads at most. 0; -1 where memory has run out. */
int team_do(int n_threads, team_plan plan, team_work work, void *what);

#endif
