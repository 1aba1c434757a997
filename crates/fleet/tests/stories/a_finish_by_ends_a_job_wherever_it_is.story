# What has not ended by its `finish_by` expires: while it waits, under a lease, and while it runs.
# The lease is taken away, and the order to stop is told once.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 3
  w1 joined on m1 for hash, slots 3; completed 0, failed 0
  = no orders
> submit j1 for hash finish-by 5s
  j1 submitted
  = accepted
> submit j2 for hash finish-by 5s
  j2 submitted
  = accepted
> submit j3 for hash finish-by 5s
  j3 submitted
  = accepted
> submit j4 for hash finish-by 5s
  j4 submitted
  = accepted
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> w1 asks for work
  j2 assigned to w1 on m1, attempt 1
  = j2, attempt 1, expires at 8s
> 4s w1 finishes j2
  j2 started by w1
  j2 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  = done
> submit j5 for hash finish-by 4s500ms
  j5 submitted
  = accepted
> w1 asks for work starting
  j3 assigned to w1 on m1, attempt 1
  j3 started by w1
  = j3, attempt 1, expires at 12s
> w1 asks for work
  j4 assigned to w1 on m1, attempt 1
  = j4, attempt 1, expires at 12s
> 4s999ms tick
  j5 expired, not finished by 4s500ms; attempt 0, runs failed 0
  = done
> 5s tick
  j1 expired, not finished by 5s; attempt 1 of w1 on m1, runs failed 0
  j3 expired, not finished by 5s; attempt 1 of w1 on m1, runs failed 0
  j4 expired, not finished by 5s; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done

# No run failed, and the worker is not blamed.
> look at j1
  failed at 5s, runs failed 0, lost in a row 0; 1 by w1: the end
> look at j3
  failed at 5s, runs failed 0, lost in a row 0; 1 by w1: the end
> look at j4
  failed at 5s, runs failed 0, lost in a row 0; 1 by w1: the end
> w1 reports j1 percent 99
  ! lease lost
> w1 finishes j1
  ! lease lost
> w1 starts j3
  ! lease lost
> machine m1 takes orders
  = stop w1/j1#1, w1/j3#1, w1/j4#1
> machine m1 takes orders
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 1, failed 0
  = no orders

# It passes also while a backoff lasts; both times at once are one end, by `finish_by`.
> submit j6 for hash finish-by 10s
  j6 submitted
  = accepted
> w1 asks for work starting
  j6 assigned to w1 on m1, attempt 1
  w1 turns busy with j6, was idle
  j6 started by w1
  = j6, attempt 1, expires at 13s
> 6s w1 fails j6 "boom" after 1h
  j6 returned by w1 from in_progress: failed "boom" (internal), retry at 1h6s; runs failed 1, lost in a row 0
  w1 turns idle, was busy
  = will retry at 1h6s
> submit j7 for hash start-by 9s finish-by 10s
  j7 submitted
  = accepted
> submit j8 for hash start-by 10s finish-by 10s
  j8 submitted
  = accepted
> pause hash
  hash paused
  = done
> 10s tick
  j7 expired, not finished by 10s; attempt 0, runs failed 0
  j6 expired, not finished by 10s; attempt 1, runs failed 1
  j8 expired, not finished by 10s; attempt 0, runs failed 0
  = done
> deadline
  12s
