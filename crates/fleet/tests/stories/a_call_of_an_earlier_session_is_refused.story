# Every registration begins a session. Leases that it resumes go on under it; the others go back.
# An earlier session can neither ask nor leave, and reports under its lost leases are refused.

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
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> w1 asks for work
  j2 assigned to w1 on m1, attempt 1
  = j2, attempt 1, expires at 8s
> worker w1 of m1 registers for hash slots 3 resuming j1,j9
  j2 returned by w1 from assigned: session_replaced; runs failed 0, lost in a row 0
  w1 joined on m1 for hash, slots 3; completed 0, failed 0
  = stop an unknown lease
> w1 asks for work session 1
  ! session replaced: w1
> worker w1 leaves session 1
  ! session replaced: w1
> w1 starts j2
  ! lease lost
> w1 reports j1 percent 50
  ~ j1 at 50% says w1
  = no orders
> machine m1 takes orders
  = stop w1/j2#1

# What it has is named with every asking; what it does not name is given again first.
> w1 asks for work having nothing until 1h
  = j1, attempt 1, expires at 8s
> w1 asks for work having j1
  j2 assigned to w1 on m1, attempt 2
  = j2, attempt 2, expires at 8s
> w1 asks for work having j1 until 1h
  = j2, attempt 2, expires at 8s
> w1 finishes j1
  j1 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  = done
> w1 finishes j2
  j2 started by w1
  j2 completed with "done"; attempt 2 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> worker w1 leaves session 2
  w1 left
  = done
> worker w1 leaves session 2
  ! unknown worker: w1
