# What has not started by its `start_by` expires, also under a lease, which is taken away. Once it
# has started, that time means nothing.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 3
  w1 joined on m1 for hash, slots 3; completed 0, failed 0
  = no orders

# While it waits.
> submit j1 for hash start-by 5s
  j1 submitted
  = accepted
> deadline
  5s
> 4s999ms tick
  = done
> 5s tick
  j1 expired, not started by 5s; attempt 0, runs failed 0
  = done
> look at j1
  failed at 5s, runs failed 0, lost in a row 0
> submit j1 for hash start-by 5s
  = accepted before as j1
> cancel j1
  ! already finished: j1 failed

# Under a lease, but not started.
> submit j2 for hash start-by 10s
  j2 submitted
  = accepted
> w1 asks for work
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  = j2, attempt 1, expires at 13s
> 9s999ms machine m1 beats with w1/j2
  = no orders
> 10s tick
  j2 expired, not started by 10s; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w1 starts j2
  ! lease lost
> machine m1 takes orders
  = stop w1/j2#1

# It has started: nothing.
> submit j3 for hash start-by 12s
  j3 submitted
  = accepted
> w1 asks for work
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  = j3, attempt 1, expires at 18s
> 11s w1 starts j3
  j3 started by w1
  = no orders
> 13s tick
  = done
> w1 finishes j3
  j3 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done

# It started, but the run failed, and the time passed meanwhile: it is not given again.
> submit j4 for hash start-by 20s
  j4 submitted
  = accepted
> w1 asks for work starting
  j4 assigned to w1 on m1, attempt 1
  w1 turns busy with j4, was idle
  j4 started by w1
  = j4, attempt 1, expires at 21s
> 19s w1 fails j4 "boom" after 2s
  j4 returned by w1 from in_progress: failed "boom" (internal), retry at 21s; runs failed 1, lost in a row 0
  w1 turns idle, was busy
  = will retry at 21s
> 19s999ms tick
  = done
> 20s tick
  j4 expired, not started by 20s; attempt 1, runs failed 1
  = done
> look at j4
  failed at 20s, runs failed 1, lost in a row 0; 1 by w1: failed

# The time has passed when it comes back.
> submit j5 for hash start-by 25s
  j5 submitted
  = accepted
> w1 asks for work starting
  j5 assigned to w1 on m1, attempt 1
  w1 turns busy with j5, was idle
  j5 started by w1
  = j5, attempt 1, expires at 28s
> 26s w1 renews j5
  = no orders
> w1 releases j5
  j5 returned by w1 from in_progress: released; runs failed 0, lost in a row 0, handed back 1
  w1 turns idle, was busy
  j5 expired, not started by 25s; attempt 1, runs failed 0
  = done
> tick
  = done
