# A run that takes longer than `run_for` fails as out of time, whatever its worker says meanwhile:
# it counts as a run, another one follows after a backoff, and the worker is ordered to stop.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit j1 for hash run-for 20s runs 2
  j1 submitted
  = accepted
> w1 asks for work
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  = j1, attempt 1, expires at 8s

# It counts from the start.
> 5s w1 starts j1
  j1 started by w1
  = no orders
> 10s w1 reports j1 percent 10
  ~ j1 at 10% says w1
  = no orders
> 15s w1 renews j1
  = no orders
> 20s machine m1 beats with w1/j1
  = no orders
> 24s999ms tick
  = done
> 25s tick
  j1 returned by w1 from in_progress: failed "ran longer than 20000 ms (run_for_ms)" (timeout run_for), retry at 25s; runs failed 1, lost in a row 0
  w1 turns idle, was busy
  = done
> w1 finishes j1
  ! lease lost
> machine m1 takes orders
  = stop w1/j1#1
> machine m1 takes orders
  = no orders
> look at j1
  pending until 25s, runs failed 1, lost in a row 0; 1 by w1: failed

# Each run has its own time, and the last one ends the job.
> 26s tick
  = done
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 2
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 2, expires at 34s
> 33s w1 renews j1
  = no orders
> 40s w1 renews j1
  = no orders
> 46s tick
  m1 silent
  j1 failed "ran longer than 20000 ms (run_for_ms)" (timeout run_for); attempt 2 of w1 on m1, runs failed 2
  = done
> w1 fails j1 "late"
  ! lease lost
> machine m1 takes orders
  = stop w1/j1#2
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 2
  = no orders

# A run that ends in time is not touched; a job that is only assigned has not begun to run.
> submit j2 for hash run-for 5s
  j2 submitted
  = accepted
> w1 asks for work
  m1 is ready: w1 idle
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  = j2, attempt 1, expires at 54s
> 52s machine m1 beats with w1/j2
  = no orders
> 54s w1 starts j2
  j2 started by w1
  = no orders
> 58s w1 finishes j2
  j2 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> 1h tick
  m1 silent
  w1 left: gone
  m1 left: gone
  = done
> look at j2
  completed at 58s, runs failed 0, lost in a row 0; 1 by w1: the end
