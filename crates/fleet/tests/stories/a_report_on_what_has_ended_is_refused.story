# Once a job has ended or gone back, no report of its last lease is accepted, whichever way it
# ended; only the same finish again is answered as before.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 9
  w1 joined on m1 for hash, slots 9; completed 0, failed 0
  = no orders

# Completed.
> submit j1 for hash
  j1 submitted
  = accepted
> w1 asks for work
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  = j1, attempt 1, expires at 8s
> w1 starts j1
  j1 started by w1
  = no orders
> w1 starts j1
  = no orders
> w1 reports j1 percent 10
  ~ j1 at 10% says w1
  = no orders
> w1 finishes j1 with "x"
  j1 completed with "x"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w1 starts j1
  ! lease lost
> w1 renews j1
  ! lease lost
> w1 reports j1 percent 20
  ! lease lost
> w1 finishes j1 with "x"
  = done
> w1 finishes j1 with "y"
  ! lease lost
> w1 fails j1 "boom"
  ! lease lost
> w1 fails j1 "boom" finally
  ! lease lost
> w1 releases j1
  ! lease lost
> cancel j1
  ! already finished: j1 completed

# Failed.
> submit j2 for hash runs 1
  j2 submitted
  = accepted
> w1 asks for work
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  = j2, attempt 1, expires at 8s
> w1 fails j2 "boom"
  j2 failed "boom" (internal); attempt 1 of w1 on m1, runs failed 1
  w1 turns idle, was busy
  = will not retry
> w1 fails j2 "boom"
  ! lease lost
> w1 starts j2
  ! lease lost
> w1 reports j2 percent 20
  ! lease lost
> w1 finishes j2
  ! lease lost
> w1 releases j2
  ! lease lost
> cancel j2
  ! already finished: j2 failed

# Expired.
> submit j3 for hash finish-by 5s
  j3 submitted
  = accepted
> w1 asks for work starting
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  j3 started by w1
  = j3, attempt 1, expires at 8s
> 5s tick
  j3 expired, not finished by 5s; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w1 fails j3 "boom"
  ! lease lost
> w1 starts j3
  ! lease lost
> w1 reports j3 percent 20
  ! lease lost
> w1 finishes j3
  ! lease lost
> w1 releases j3
  ! lease lost
> cancel j3
  ! already finished: j3 failed

# Cancelled.
> submit j4 for hash
  j4 submitted
  = accepted
> w1 asks for work starting
  j4 assigned to w1 on m1, attempt 1
  w1 turns busy with j4, was idle
  j4 started by w1
  = j4, attempt 1, expires at 13s
> cancel j4
  j4 cancelled; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w1 fails j4 "boom"
  ! lease lost
> w1 starts j4
  ! lease lost
> w1 reports j4 percent 20
  ! lease lost
> w1 finishes j4
  ! lease lost
> w1 releases j4
  ! lease lost
> cancel j4
  = done

# Returned.
> submit j5 for hash
  j5 submitted
  = accepted
> w1 asks for work starting
  j5 assigned to w1 on m1, attempt 1
  w1 turns busy with j5, was idle
  j5 started by w1
  = j5, attempt 1, expires at 13s
> w1 fails j5 "boom" after 1h
  j5 returned by w1 from in_progress: failed "boom" (internal), retry at 1h5s; runs failed 1, lost in a row 0
  w1 turns idle, was busy
  = will retry at 1h5s
> w1 fails j5 "boom"
  ! lease lost
> w1 starts j5
  ! lease lost
> w1 reports j5 percent 20
  ! lease lost
> w1 finishes j5
  ! lease lost
> w1 releases j5
  ! lease lost
