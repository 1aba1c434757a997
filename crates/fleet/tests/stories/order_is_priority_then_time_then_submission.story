# Larger priority first, then the older time, then the earlier submission. A job that comes back
# keeps its place, and what a workflow says goes before what the job says.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 20
  w1 joined on m1 for hash, slots 20; completed 0, failed 0
  = no orders
> worker w2 of m1 registers for hash,render slots 20
  w2 joined on m1 for hash,render, slots 20; completed 0, failed 0
  = no orders
> worker w3 of m1 registers for render slots 20
  w3 joined on m1 for render, slots 20; completed 0, failed 0
  = no orders
> 10s submit j1 for hash priority 10
  j1 submitted
  = accepted
> submit j2 for hash priority 10
  j2 submitted
  = accepted
> submit j3 for hash priority 80
  j3 submitted
  = accepted
> +1s submit j4 for hash priority 80
  j4 submitted
  = accepted
> submit j5 for render priority 80
  j5 submitted
  = accepted
> submit j6 for hash priority 80 workflow-time 5s
  j6 submitted
  = accepted
> submit j7 for hash priority 1 workflow-priority 90
  j7 submitted
  = accepted
> submit j8 for hash priority 99 workflow-priority 10 workflow-time 9s
  j8 submitted
  = accepted
> queue
  j7, j6, j3, j4, j5, j8, j1, j2

# It comes back to its place, from wherever it was.
> w1 asks for work
  j7 assigned to w1 on m1, attempt 1
  w1 turns busy with j7, was idle
  = j7, attempt 1, expires at 19s
> w1 asks for work
  j6 assigned to w1 on m1, attempt 1
  = j6, attempt 1, expires at 19s
> w1 asks for work
  j3 assigned to w1 on m1, attempt 1
  = j3, attempt 1, expires at 19s
> queue
  j4, j5, j8, j1, j2
> w1 releases j6
  j6 returned by w1 from assigned: released; runs failed 0, lost in a row 0, handed back 1
  = done
> queue
  j6, j4, j5, j8, j1, j2
> w1 fails j7 "boom" roll min
  j7 returned by w1 from assigned: failed "boom" (internal), retry at 11s; runs failed 1, lost in a row 0
  = will retry at 11s
> queue
  j7, j6, j4, j5, j8, j1, j2
> tick
  = done

# Each worker takes the first that it can run, of whatever kind.
> w3 asks for work
  j5 assigned to w3 on m1, attempt 1
  w3 turns busy with j5, was idle
  = j5, attempt 1, expires at 19s
> w2 asks for work
  j7 assigned to w2 on m1, attempt 2
  w2 turns busy with j7, was idle
  = j7, attempt 2, expires at 19s
> w2 asks for work
  j6 assigned to w2 on m1, attempt 2
  = j6, attempt 2, expires at 19s
> w2 asks for work
  j4 assigned to w2 on m1, attempt 1
  = j4, attempt 1, expires at 19s
> w2 asks for work
  j8 assigned to w2 on m1, attempt 1
  = j8, attempt 1, expires at 19s
> w3 asks for work
  = nothing
> queue
  j1, j2

# A later job with a larger priority goes first; the head of the queue may also be cancelled.
> submit j9 for hash priority 500
  j9 submitted
  = accepted
> submit k1 for hash priority 1000000
  k1 submitted
  = accepted
> submit k2 for render priority 700
  k2 submitted
  = accepted
> queue
  k1, k2, j9, j1, j2
> cancel k1
  k1 cancelled; attempt 0, runs failed 0
  = done
> w1 asks for work
  j9 assigned to w1 on m1, attempt 1
  = j9, attempt 1, expires at 19s
> w2 asks for work
  k2 assigned to w2 on m1, attempt 1
  = k2, attempt 1, expires at 19s
> w2 asks for work
  j1 assigned to w2 on m1, attempt 1
  = j1, attempt 1, expires at 19s
> w2 asks for work
  j2 assigned to w2 on m1, attempt 1
  = j2, attempt 1, expires at 19s
> w2 asks for work
  = nothing
