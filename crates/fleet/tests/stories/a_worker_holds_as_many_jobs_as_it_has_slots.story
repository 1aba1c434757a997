# A worker with n slots holds n leases at once and no more; it is busy from the first to the last.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 2
  w1 joined on m1 for hash, slots 2; completed 0, failed 0
  = no orders
> submit j1 for hash
  j1 submitted
  = accepted
> submit j2 for hash
  j2 submitted
  = accepted
> submit j3 for hash
  j3 submitted
  = accepted
> w1 asks for work
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  = j1, attempt 1, expires at 8s
> w1 asks for work
  j2 assigned to w1 on m1, attempt 1
  = j2, attempt 1, expires at 8s
> w1 asks for work
  = nothing
> w1 asks for work until 1m
  = nothing
> w1 finishes j1
  j1 started by w1
  j1 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  = done
> w1 asks for work starting
  j3 assigned to w1 on m1, attempt 1
  j3 started by w1
  = j3, attempt 1, expires at 8s
> w1 finishes j2
  j2 started by w1
  j2 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  = done
> w1 finishes j3
  j3 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done

# One job for each time it stands.
> w1 asks for work until 1m
  = nothing
> submit j4 for hash
  j4 submitted
  j4 assigned to w1 on m1, attempt 1
  w1 turns busy with j4, was idle
  = accepted
> submit j5 for hash
  j5 submitted
  = accepted
> w1 asks for work
  j5 assigned to w1 on m1, attempt 1
  = j5, attempt 1, expires at 8s

# A worker that comes back with fewer slots keeps what it has and gets nothing new before it fits.
> worker w1 of m1 registers for hash slots 1 resuming j4,j5
  w1 joined on m1 for hash, slots 1; completed 3, failed 0
  = no orders
> submit j6 for hash
  j6 submitted
  = accepted
> w1 asks for work
  = nothing
> w1 finishes j4
  j4 started by w1
  j4 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  = done
> w1 asks for work
  = nothing
> w1 finishes j5
  j5 started by w1
  j5 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w1 asks for work
  j6 assigned to w1 on m1, attempt 1
  w1 turns busy with j6, was idle
  = j6, attempt 1, expires at 8s
