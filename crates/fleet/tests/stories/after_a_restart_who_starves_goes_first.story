# A job that starved starves after a restart, and one that has waited so long meanwhile begins to.

> rules starve-after 30m
> submit j1 for hash priority 1
  j1 submitted
  j1 unschedulable, missing service: hash
  = accepted
> submit j2 for hash priority 2 not-before 1h
  j2 submitted
  j2 unschedulable, missing service: hash
  = accepted
> 10m submit j3 for hash priority 3
  j3 submitted
  j3 unschedulable, missing service: hash
  = accepted
> submit j4 for hash priority 90
  j4 submitted
  j4 unschedulable, missing service: hash
  = accepted
> 29m machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> 30m tick
  m1 silent
  j1 starves
  j1 schedulable
  j2 starves
  j2 schedulable
  j3 schedulable
  j4 schedulable
  = done
> queue
  j1, j2, j4, j3
> restart
> queue
  j1, j2, j4, j3
> look at j1
  pending, runs failed 0, lost in a row 0, starves
> look at j2
  pending until 1h, runs failed 0, lost in a row 0, starves
> tick
  = done

# Under a lease and while it backs off, too.
> w1 asks for work starting
  m1 is ready: w1 idle
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 30m8s
> restart
> w1 fails j1 "boom" after 20m
  j1 returned by w1 from in_progress: failed "boom" (internal), retry at 50m; runs failed 1, lost in a row 0
  w1 turns idle, was busy
  = will retry at 50m
> restart
> tick
  = done
> queue
  j1, j2, j4, j3
> look at j1
  pending until 50m, runs failed 1, lost in a row 0, starves; 1 by w1: failed

# Meanwhile the others have waited as long.
> 39m59s machine m1 beats
  = no orders
> 45m restart
> queue
  j1, j2, j4, j3
> deadline
  at once
> tick
  j3 starves
  j4 starves
  = done
> queue
  j1, j2, j3, j4
> restart
> queue
  j1, j2, j3, j4
> w1 asks for work
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  = j3, attempt 1, expires at 45m8s
