# After a standstill of the broker a delay that ended meanwhile is offered to who stands, and a run
# that spoke of its progress just before is waited for as long as it may be silent.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 2
  w1 joined on m1 for hash, slots 2; completed 0, failed 0
  = no orders
> worker w2 of m1 registers for zip
  w2 joined on m1 for zip, slots 1; completed 0, failed 0
  = no orders
> submit j1 for hash no-progress 1m
  j1 submitted
  = accepted
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> submit z1 for zip not-before 1m55s
  z1 submitted
  = accepted
> w2 asks for work until 1h
  = nothing
> 1m50s machine m1 beats with w1/j1
  = no orders
> w1 reports j1 percent 50
  ~ j1 at 50% says w1
  = no orders

# Deciding stands still from here to 2 minutes. The run is older than it may be silent.
> 2m standstill
> tick
  z1 assigned to w2 on m1, attempt 1
  w2 turns busy with z1, was idle
  = done
> 2m15s machine m1 beats with w1/j1
  = no orders
> 2m30s machine m1 beats with w1/j1
  = no orders
> look at j1
  in_progress since 0s, runs failed 0, lost in a row 0; 1 by w1: holds it
