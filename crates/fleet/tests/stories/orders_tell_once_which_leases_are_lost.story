# A lease that is taken away is told to its machine once, by orders or by the answer to a
# heartbeat that names it, whichever comes first. What a worker ended itself is not told.

> machine m1 joins
  m1 joined ready
  = no orders
> machine m2 joins
  m2 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 4
  w1 joined on m1 for hash, slots 4; completed 0, failed 0
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
> submit j4 for hash
  j4 submitted
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
> w1 asks for work starting
  j4 assigned to w1 on m1, attempt 1
  j4 started by w1
  = j4, attempt 1, expires at 8s

# By orders, once.
> cancel j1
  j1 cancelled; attempt 1 of w1 on m1, runs failed 0
  = done
> machine m1 takes orders
  = stop w1/j1#1
> machine m1 takes orders
  = no orders

# By heartbeat; then orders do not repeat it. A heartbeat that still names it is told again.
> cancel j2
  j2 cancelled; attempt 1 of w1 on m1, runs failed 0
  = done
> machine m1 beats with w1/j1,w1/j2,w1/j3,w1/j4
  = stop w1/j1#1, w1/j2#1
> machine m1 takes orders
  = no orders
> machine m1 beats with w1/j2,w1/j3,w1/j4
  = stop w1/j2#1

# What the worker ended itself is no order; a heartbeat that still names it is told.
> w1 finishes j3
  j3 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  = done
> w1 releases j4
  j4 returned by w1 from in_progress: released; runs failed 0, lost in a row 0, handed back 1
  w1 turns idle, was busy
  = done
> machine m1 takes orders
  = no orders
> machine m1 beats with w1/j3
  = stop w1/j3#1

# Another machine does not renew or learn of what is not its own.
> submit j5 for hash
  j5 submitted
  = accepted
> w1 asks for work starting
  j5 assigned to w1 on m1, attempt 1
  w1 turns busy with j5, was idle
  j5 started by w1
  = j5, attempt 1, expires at 8s
> machine m2 beats with w1/j5
  = stop w1/j5#1
> machine m2 takes orders
  = no orders
> +7s machine m1 beats
  = no orders
> machine m2 beats with w1/j5
  = stop w1/j5#1
> +1s tick
  j5 returned by w1 from in_progress: lease_expired; runs failed 0, lost in a row 1
  w1 turns idle, was busy
  = done
> machine m1 takes orders
  = stop w1/j5#1
> machine m3 takes orders
  ! unknown machine: m3
> machine m3 beats with w1/j5
  ! unknown machine: m3
