# A worker that declares itself draining or in error is given nothing new, stands ready no more,
# and finishes what it has. Ready again it must ask again.

> machine m1 joins
  m1 joined ready
  = no orders
> machine m2 joins
  m2 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 2
  w1 joined on m1 for hash, slots 2; completed 0, failed 0
  = no orders
> w1 asks for work until 1m
  = nothing
> machine m1 beats drains w1
  w1 declares itself draining, was idle
  = no orders
> submit j1 for hash
  j1 submitted
  = accepted
> w1 asks for work until 1m
  = nothing
> machine m1 beats drains w1
  = no orders
> machine m1 beats recovers w1
  w1 declares itself idle, was draining
  = no orders
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s

> machine m1 beats with w1/j1 errs w1
  w1 declares itself error, was busy
  = no orders
> submit j2 for hash
  j2 submitted
  = accepted
> w1 asks for work until 1m
  = nothing
> w1 finishes j1
  j1 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  = done
> machine m1 beats drains w1
  w1 declares itself draining, was error
  = no orders
> machine m1 beats recovers w1
  w1 declares itself idle, was draining
  = no orders
> w1 asks for work
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  = j2, attempt 1, expires at 8s

# Nobody speaks for another machine's worker.
> machine m2 beats errs w1
  = no orders
> machine m1 beats errs w9
  = no orders

# What was declared outlives a restart, and a registration makes it ready.
> machine m1 beats with w1/j2 drains w1
  w1 declares itself draining, was busy
  = no orders
> restart
> submit j3 for hash
  j3 submitted
  = accepted
> w1 asks for work
  = nothing
> worker w1 of m1 registers for hash resuming j2 slots 2
  w1 joined on m1 for hash, slots 2; completed 1, failed 0
  = no orders
> w1 asks for work
  j3 assigned to w1 on m1, attempt 1
  = j3, attempt 1, expires at 8s
