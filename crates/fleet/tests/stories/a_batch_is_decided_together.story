# All items of a batch are submitted before anything is given: the best of them goes first, in
# whatever place it stands. What is refused stops nothing.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> worker w2 of m1 registers for hash,render
  w2 joined on m1 for hash,render, slots 1; completed 0, failed 0
  = no orders
> w1 asks for work until 1m
  = nothing
> w2 asks for work until 1m
  = nothing
> submit j1 for hash ; j2 for hash priority 80 ; j3 for hash priority 90
  j1 submitted
  j2 submitted
  j3 submitted
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  j2 assigned to w2 on m1, attempt 1
  w2 turns busy with j2, was idle
  = accepted
  = accepted
  = accepted
> queue
  j1
> submit j4 for hash payload "a" ; j1 for hash ; j1 for hash payload "b" ; j4 for hash payload "a" ; j5 for draw
  j4 submitted
  j5 submitted
  j5 unschedulable, missing service: draw
  = accepted
  = accepted before as j1
  ! job id conflict: j1
  = accepted before as j4
  = accepted
> queue
  j1, j4, j5

# Each as if it were submitted alone, in order.
> submit k1 for hash in workflow f1 priority 70 ; k2 for hash in workflow f1 priority 99 ; k3 for hash
  k1 submitted with its workflow's priority 70 of 0s
  k2 submitted with its workflow's priority 70 of 0s
  k3 submitted
  = accepted
  = accepted
  = accepted
> queue
  k1, k2, j1, j4, j5, k3
