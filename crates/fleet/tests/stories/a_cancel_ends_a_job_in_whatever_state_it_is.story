# A cancel ends a waiting, an assigned and a running job at once, and takes the lease away.
# What has ended is not cancelled: asked again it is done if it was cancelled, else refused.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders

# Waiting.
> submit j1 for hash
  j1 submitted
  = accepted
> cancel j1
  j1 cancelled; attempt 0, runs failed 0
  = done
> queue
  empty

# Waiting for its backoff.
> submit j2 for hash
  j2 submitted
  = accepted
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 1, expires at 8s
> w1 fails j2 "boom"
  j2 returned by w1 from in_progress: failed "boom" (internal), retry at 500ms; runs failed 1, lost in a row 0
  w1 turns idle, was busy
  = will retry at 500ms
> cancel j2
  j2 cancelled; attempt 1, runs failed 1
  = done
> +10s tick
  m1 silent
  = done
> machine m1 beats
  m1 is ready: w1 idle
  = no orders

# Assigned.
> submit j3 for hash
  j3 submitted
  = accepted
> w1 asks for work
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  = j3, attempt 1, expires at 18s
> cancel j3
  j3 cancelled; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w1 starts j3
  ! lease lost

# Running.
> submit j4 for hash
  j4 submitted
  = accepted
> w1 asks for work starting
  j4 assigned to w1 on m1, attempt 1
  w1 turns busy with j4, was idle
  j4 started by w1
  = j4, attempt 1, expires at 18s
> cancel j4
  j4 cancelled; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w1 reports j4 percent 50
  ! lease lost
> w1 finishes j4
  ! lease lost
> look at j4
  cancelled at 10s, runs failed 0, lost in a row 0; 1 by w1: the end

# The machine is told of both leases.
> machine m1 takes orders
  = stop w1/j3#1, w1/j4#1

# Cancelled already.
> cancel j4
  = done

# Completed, failed.
> submit j5 for hash
  j5 submitted
  = accepted
> w1 asks for work
  j5 assigned to w1 on m1, attempt 1
  w1 turns busy with j5, was idle
  = j5, attempt 1, expires at 18s
> w1 finishes j5
  j5 started by w1
  j5 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> cancel j5
  ! already finished: j5 completed
> submit j6 for hash runs 1
  j6 submitted
  = accepted
> w1 asks for work
  j6 assigned to w1 on m1, attempt 1
  w1 turns busy with j6, was idle
  = j6, attempt 1, expires at 18s
> w1 fails j6 "boom"
  j6 failed "boom" (internal); attempt 1 of w1 on m1, runs failed 1
  w1 turns idle, was busy
  = will not retry
> cancel j6
  ! already finished: j6 failed

# Unknown.
> cancel j7
  ! job not found: j7

# The worker is free for the next job as soon as one is cancelled.
> submit j8 for hash
  j8 submitted
  = accepted
> submit j9 for hash
  j9 submitted
  = accepted
> w1 asks for work
  j8 assigned to w1 on m1, attempt 1
  w1 turns busy with j8, was idle
  = j8, attempt 1, expires at 18s
> cancel j8
  j8 cancelled; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w1 asks for work
  j9 assigned to w1 on m1, attempt 1
  w1 turns busy with j9, was idle
  = j9, attempt 1, expires at 18s
