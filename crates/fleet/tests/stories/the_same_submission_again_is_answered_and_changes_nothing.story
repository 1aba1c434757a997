# The same id with the same content is the same submission, in whatever state the job is.
# With other content it is a conflict, and nothing is said of the job that has the id.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders

> submit j1 for hash payload "a"
  j1 submitted
  = accepted
> submit j1 for hash payload "a"
  = accepted before as j1
> submit j1 for hash payload "b"
  ! job id conflict: j1
> queue
  j1
> w1 asks for work
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  = j1, attempt 1, expires at 8s
> submit j1 for hash payload "a"
  = accepted before as j1
> submit j1 for hash payload "b"
  ! job id conflict: j1
> w1 starts j1
  j1 started by w1
  = no orders
> submit j1 for hash payload "a"
  = accepted before as j1
> w1 finishes j1
  j1 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> submit j1 for hash payload "a"
  = accepted before as j1
> submit j1 for hash payload "b"
  ! job id conflict: j1
> look at j1
  completed at 0s, runs failed 0, lost in a row 0; 1 by w1: the end
