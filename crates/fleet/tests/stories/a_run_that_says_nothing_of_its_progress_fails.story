# A run that says nothing of its progress for so long fails as out of time. Only progress counts:
# renewing keeps the lease and no more.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit j1 for hash no-progress 10s
  j1 submitted
  = accepted
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> 7s w1 renews j1
  = no orders
> 9s w1 reports j1 percent 10
  ~ j1 at 10% says w1
  = no orders
> 16s machine m1 beats with w1/j1
  = no orders
> 18s999ms tick
  = done
> 19s tick
  j1 returned by w1 from in_progress: failed "said nothing of its progress for 10000 ms (no_progress_ms)" (timeout no_progress), retry at 19s; runs failed 1, lost in a row 0
  w1 turns idle, was busy
  = done
> w1 reports j1 percent 20
  ! lease lost
> machine m1 takes orders
  = stop w1/j1#1

# Progress implies the start, and from then on it counts.
> 20s tick
  = done
> w1 asks for work
  j1 assigned to w1 on m1, attempt 2
  w1 turns busy with j1, was idle
  = j1, attempt 2, expires at 28s
> 25s w1 reports j1 percent 0
  j1 started by w1
  ~ j1 at 0% says w1
  = no orders
> 32s w1 renews j1
  = no orders
> 34s999ms tick
  m1 silent
  = done
> 35s tick
  j1 returned by w1 from in_progress: failed "said nothing of its progress for 10000 ms (no_progress_ms)" (timeout no_progress), retry at 35s; runs failed 2, lost in a row 0
  = done
> look at j1
  pending until 35s, runs failed 2, lost in a row 0; 1 by w1: failed; 2 by w1: failed

# The shorter one of both times decides.
> 36s submit j2 for hash no-progress 3s run-for 5s priority 99
  j2 submitted
  = accepted
> 40s w1 asks for work starting
  m1 is ready: w1 idle
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 1, expires at 48s
> 42s w1 reports j2 percent 1
  ~ j2 at 1% says w1
  = no orders
> 44s w1 reports j2 percent 2
  ~ j2 at 2% says w1
  = no orders
> 45s tick
  j2 returned by w1 from in_progress: failed "ran longer than 5000 ms (run_for_ms)" (timeout run_for), retry at 45s; runs failed 1, lost in a row 0
  w1 turns idle, was busy
  = done
> machine m1 takes orders
  = stop w1/j1#2, w1/j2#1

# A run that said of its progress in time is not touched.
> 46s submit j3 for hash no-progress 3s priority 1000
  j3 submitted
  = accepted
> w1 asks for work starting
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  j3 started by w1
  = j3, attempt 1, expires at 54s
> 48s w1 reports j3 percent 50
  ~ j3 at 50% says w1
  = no orders
> 50s999ms w1 finishes j3
  j3 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> machine m1 takes orders
  = no orders
