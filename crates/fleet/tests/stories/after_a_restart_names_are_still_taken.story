# Ids, keys and what workflows fixed are remembered over a restart, and so is what was wanted.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash with gpu 8
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> worker w2 of m1 registers for hash with gpu 16
  w2 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit j1 for hash payload "a" key k1 in workflow f1 priority 70
  j1 submitted with its workflow's priority 70 of 0s
  = accepted
> submit j2 for hash backoff 0s,1,0s
  j2 submitted
  = accepted
> cancel j1
  j1 cancelled; attempt 0, runs failed 0
  = done
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 1, expires at 8s
> w1 fails j2 "no memory" as out_of_memory
  j2 returned by w1 from in_progress: failed "no memory" (out_of_memory), retry at 0s; runs failed 1, lost in a row 0, wants more than 8 GB
  w1 turns idle, was busy
  = will retry at 0s
> retry j1 as j3
  j3 submitted with its workflow's priority 70 of 0s
  = accepted
> restart
> tick
  = done
> submit j1 for hash payload "a" in workflow f1 priority 70
  = accepted before as j1
> submit j9 for hash payload "b" key k1
  ! idempotency conflict
> submit j9 for hash payload "a" key k1 in workflow f1 priority 70
  = accepted before as j1
> submit j4 for hash in workflow f1
  j4 submitted with its workflow's priority 70 of 0s
  = accepted
> look at j3
  pending, runs failed 0, lost in a row 0, retry of j1
> look at j2
  pending until 0s, runs failed 1, lost in a row 0, wants more than 8 GB; 1 by w1: failed
> cancel j3
  j3 cancelled; attempt 0, runs failed 0
  = done
> cancel j4
  j4 cancelled; attempt 0, runs failed 0
  = done
> w1 asks for work
  = nothing
> w2 asks for work
  j2 assigned to w2 on m1, attempt 2
  w2 turns busy with j2, was idle
  = j2, attempt 2, expires at 8s
