# A lease that a worker believes to have and has not is told when it asks, whether or not it is
# given a job: it stops that work.

> machine m1 joins
  m1 joined ready
  = no orders
> machine m2 joins
  m2 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 2
  w1 joined on m1 for hash, slots 2; completed 0, failed 0
  = no orders
> worker w2 of m2 registers for hash
  w2 joined on m2 for hash, slots 1; completed 0, failed 0
  = no orders
> submit j1 for hash
  j1 submitted
  = accepted
> submit j2 for hash
  j2 submitted
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
> w1 asks for work having j1,j2
  = nothing

# With nothing to give, and as often as it is named.
> cancel j1
  j1 cancelled; attempt 1 of w1 on m1, runs failed 0
  = done
> w1 asks for work having j1,j2
  = nothing; stop w1/j1#1
> w1 asks for work having j1,j2
  = nothing; stop w1/j1#1
> w1 asks for work having j2
  = nothing

# With a job.
> submit j3 for hash
  j3 submitted
  = accepted
> w1 asks for work having j1,j2
  j3 assigned to w1 on m1, attempt 1
  = j3, attempt 1, expires at 8s; stop w1/j1#1

# With an answer that got lost.
> w1 asks for work having j1,j2
  = j3, attempt 1, expires at 8s; stop w1/j1#1

# With no room, or while it drains.
> w1 asks for work having j1,j2,j3
  = nothing; stop w1/j1#1
> machine m1 beats with w1/j2,w1/j3 drains w1
  w1 declares itself draining, was busy
  = no orders
> w1 asks for work having j1,j2,j3
  = nothing; stop w1/j1#1
> machine m1 beats with w1/j2,w1/j3 recovers w1
  w1 declares itself busy, was draining
  = no orders

# What it ended itself, what another worker holds by now, and what never was.
> w1 finishes j3
  j3 started by w1
  j3 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  = done
> w1 releases j2
  j2 returned by w1 from in_progress: released; runs failed 0, lost in a row 0, handed back 1
  w1 turns idle, was busy
  = done
> w2 asks for work starting
  j2 assigned to w2 on m2, attempt 2
  w2 turns busy with j2, was idle
  j2 started by w2
  = j2, attempt 2, expires at 8s
> w1 asks for work having j2,j3,j9 until 1h
  = nothing; stop w1/j2#1, w1/j3#1, an unknown lease
> w1 asks for work having j2#1 until 1h
  = nothing; stop w1/j2#1

# It stands ready all the same. The orders of its machine are another matter.
> submit j4 for hash
  j4 submitted
  j4 assigned to w1 on m1, attempt 1
  w1 turns busy with j4, was idle
  = accepted
> machine m1 takes orders
  = stop w1/j1#1
