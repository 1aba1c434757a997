# Asking for work names the leases that the worker has heard of. One that it holds and does not
# name is given again: the same lease, renewed, before any new one.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 3
  w1 joined on m1 for hash, slots 3; completed 0, failed 0
  = no orders
> submit j1 for hash
  j1 submitted
  = accepted
> submit j2 for hash
  j2 submitted
  = accepted
> w1 asks for work
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  = j1, attempt 1, expires at 8s
> +5s w1 asks for work having nothing
  = j1, attempt 1, expires at 13s
> +5s w1 asks for work having nothing starting
  j1 started by w1
  = j1, attempt 1, expires at 18s
> machine m1 beats
  = no orders
> w1 asks for work having j1
  j2 assigned to w1 on m1, attempt 1
  = j2, attempt 1, expires at 18s
> w1 asks for work having j1
  = j2, attempt 1, expires at 18s
> w1 asks for work having j1,j2
  = nothing

# Also what was given while it stood.
> w1 asks for work having j1,j2 until 30s
  = nothing
> submit j3 for hash
  j3 submitted
  j3 assigned to w1 on m1, attempt 1
  = accepted
> w1 asks for work having j1,j2 starting
  j3 started by w1
  = j3, attempt 1, expires at 18s

# What it no longer holds is not given again, whatever it names; it is told to stop it.
> w1 finishes j1
  j1 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  = done
> w1 asks for work having j1,j2,j3
  = nothing; stop w1/j1#1
> w1 finishes j2
  j2 started by w1
  j2 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  = done
> w1 finishes j3
  j3 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w1 asks for work having j1,j2
  = nothing; stop w1/j1#1, w1/j2#1

# With no room left the lost answer is still given again.
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 3, failed 0
  = no orders
> submit j4 for hash
  j4 submitted
  = accepted
> submit j5 for hash
  j5 submitted
  = accepted
> w1 asks for work
  j4 assigned to w1 on m1, attempt 1
  w1 turns busy with j4, was idle
  = j4, attempt 1, expires at 18s
> w1 asks for work having nothing
  = j4, attempt 1, expires at 18s
> machine m1 beats drains w1
  w1 declares itself draining, was busy
  = no orders
> w1 asks for work having nothing
  = j4, attempt 1, expires at 18s
> w1 asks for work
  = nothing
