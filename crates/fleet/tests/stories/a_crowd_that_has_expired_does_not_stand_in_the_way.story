# What should have started by now expires when it is its turn, some at a time, and who stands for
# something is given what is behind it.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit 1500 jobs x for hash start-by 5s
  x… submitted (1500 times)
  = accepted (1500 times)
> submit j1 for hash
  j1 submitted
  = accepted
> 6s w1 asks for work until 1h
  x… expired, not started by 5s; attempt 0, runs failed 0 (1000 times)
  = nothing
> tick
  x… expired, not started by 5s; attempt 0, runs failed 0 (500 times)
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  = done
> look at j1
  assigned, runs failed 0, lost in a row 0; 1 by w1: holds it
