# A job with `not_before` waits in its place and is given to nobody before. It may be cancelled and
# expire meanwhile.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit j1 for hash not-before 5s priority 90
  j1 submitted
  = accepted
> submit j2 for hash
  j2 submitted
  = accepted
> queue
  j1, j2
> why j1
  backing off until 5s
  of 1 workers on 1 machines, 1 on 1 capable, 1 free
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 1, expires at 8s
> 4s w1 finishes j2
  j2 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w1 asks for work until 1h
  = nothing
> deadline
  5s
> 4s999ms tick
  = done
> 5s tick
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  = done

# What lies in the past says nothing.
> w1 finishes j1
  j1 started by w1
  j1 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> submit j3 for hash not-before 5s
  j3 submitted
  = accepted
> w1 asks for work
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  = j3, attempt 1, expires at 13s
> 6s w1 fails j3 "boom" after 2s
  j3 returned by w1 from assigned: failed "boom" (internal), retry at 8s; runs failed 1, lost in a row 0
  w1 turns idle, was busy
  = will retry at 8s
> submit j4 for hash not-before 1h
  j4 submitted
  = accepted
> cancel j4
  j4 cancelled; attempt 0, runs failed 0
  = done
> submit j5 for hash not-before 1h start-by 7s
  j5 submitted
  = accepted
> 7s tick
  j5 expired, not started by 7s; attempt 0, runs failed 0
  = done

# The retry of a run has its own delay.
> 8s tick
  = done
> w1 asks for work starting
  j3 assigned to w1 on m1, attempt 2
  w1 turns busy with j3, was idle
  j3 started by w1
  = j3, attempt 2, expires at 16s
> look at j3
  in_progress since 8s, runs failed 1, lost in a row 0; 1 by w1: failed; 2 by w1: holds it
