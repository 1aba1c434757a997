# After a restart no run is out of time before the opening grace of 16 s has passed: nobody could
# be heard. What the submitter fixed by the clock passes by the clock.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 9
  w1 joined on m1 for hash, slots 9; completed 0, failed 0
  = no orders
> submit j1 for hash run-for 10s
  j1 submitted
  = accepted
> submit j2 for hash no-progress 10s
  j2 submitted
  = accepted
> submit j3 for hash finish-by 10s
  j3 submitted
  = accepted
> submit j4 for hash start-by 10s
  j4 submitted
  = accepted
> submit j5 for hash run-for 1m
  j5 submitted
  = accepted
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 1
  j2 started by w1
  = j2, attempt 1, expires at 8s
> w1 asks for work starting
  j3 assigned to w1 on m1, attempt 1
  j3 started by w1
  = j3, attempt 1, expires at 8s
> w1 asks for work
  j4 assigned to w1 on m1, attempt 1
  = j4, attempt 1, expires at 8s
> w1 asks for work starting
  j5 assigned to w1 on m1, attempt 1
  j5 started by w1
  = j5, attempt 1, expires at 8s
> 7s machine m1 beats with w1/j1,w1/j2,w1/j3,w1/j4,w1/j5
  = no orders
> 9s restart
> 10s tick
  j3 expired, not finished by 10s; attempt 1 of w1 on m1, runs failed 0
  j4 expired, not started by 10s; attempt 1 of w1 on m1, runs failed 0
  = done
> machine m1 beats with w1/j1,w1/j2,w1/j5
  = no orders
> 17s machine m1 beats with w1/j1,w1/j2,w1/j5
  = no orders
> 24s machine m1 beats with w1/j1,w1/j2,w1/j5
  = no orders
> w1 reports j2 percent 10
  ~ j2 at 10% says w1
  = no orders
> 24s999ms tick
  = done
> 25s tick
  j1 returned by w1 from in_progress: failed "ran longer than 10000 ms (run_for_ms)" (timeout run_for), retry at 25s; runs failed 1, lost in a row 0
  = done
> machine m1 takes orders
  = stop w1/j3#1, w1/j4#1, w1/j1#1
> 33s999ms machine m1 beats with w1/j2,w1/j5
  = no orders
> 34s tick
  j2 returned by w1 from in_progress: failed "said nothing of its progress for 10000 ms (no_progress_ms)" (timeout no_progress), retry at 34s; runs failed 1, lost in a row 0
  = done
> 40s machine m1 beats with w1/j5
  = no orders
> 47s machine m1 beats with w1/j5
  = no orders
> 54s machine m1 beats with w1/j5
  = no orders
> 59s999ms tick
  = done
> 1m tick
  j5 returned by w1 from in_progress: failed "ran longer than 60000 ms (run_for_ms)" (timeout run_for), retry at 1m; runs failed 1, lost in a row 0
  w1 turns idle, was busy
  = done
