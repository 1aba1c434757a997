# A worker with allowed customers takes their jobs only, and none without a customer; denied ones
# it never takes, allowed or not.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 9 with allowing acme,beta denying beta
  w1 joined on m1 for hash, slots 9; completed 0, failed 0
  = no orders
> worker w2 of m1 registers for hash slots 9 with denying evil
  w2 joined on m1 for hash, slots 9; completed 0, failed 0
  = no orders
> submit j1 for hash
  j1 submitted
  = accepted
> submit j2 for hash customer beta
  j2 submitted
  = accepted
> submit j3 for hash customer evil
  j3 submitted
  j3 unschedulable, missing open to customer evil
  = accepted
> submit j4 for hash customer acme
  j4 submitted
  = accepted
> why j3
  no capable worker
  of 2 workers on 1 machines, 0 on 0 capable, 0 free
  fails: open to customer evil (on 1)
  nearest: w1 on m1 lacks open to customer evil
> w1 asks for work
  j4 assigned to w1 on m1, attempt 1
  w1 turns busy with j4, was idle
  = j4, attempt 1, expires at 8s
> w1 asks for work
  = nothing
> w2 asks for work
  j1 assigned to w2 on m1, attempt 1
  w2 turns busy with j1, was idle
  = j1, attempt 1, expires at 8s
> w2 asks for work
  j2 assigned to w2 on m1, attempt 1
  = j2, attempt 1, expires at 8s
> w2 asks for work
  = nothing
> queue
  j3

# The best that it may take, whatever stands before it; also when it stands ready.
> w1 asks for work until 1h
  = nothing
> w2 asks for work until 1h
  = nothing
> submit j5 for hash priority 90
  j5 submitted
  j5 assigned to w2 on m1, attempt 1
  = accepted
> submit j6 for hash customer beta priority 80
  j6 submitted
  = accepted
> submit j7 for hash customer acme priority 10
  j7 submitted
  j7 assigned to w1 on m1, attempt 1
  = accepted
> w1 asks for work until 1h
  = nothing
> w2 asks for work until 1h
  j6 assigned to w2 on m1, attempt 1
  = j6, attempt 1, expires at 8s
> submit j8 for hash customer acme ; j9 for hash customer evil priority 99 ; k1 for hash customer beta
  j8 submitted
  j9 submitted
  j9 unschedulable, missing open to customer evil
  k1 submitted
  j8 assigned to w1 on m1, attempt 1
  = accepted
  = accepted
  = accepted

# Strict isolation is asked for by the job; whoever keeps its jobs apart may take any.
> worker w3 of m1 registers for draw with strict
  w3 joined on m1 for draw, slots 1; completed 0, failed 0
  = no orders
> worker w4 of m1 registers for draw with loose
  w4 joined on m1 for draw, slots 1; completed 0, failed 0
  = no orders
> submit d1 for draw needs strict
  d1 submitted
  = accepted
> w4 asks for work
  = nothing
> submit d2 for draw
  d2 submitted
  = accepted
> w4 asks for work
  d2 assigned to w4 on m1, attempt 1
  w4 turns busy with d2, was idle
  = d2, attempt 1, expires at 8s
> w3 asks for work
  d1 assigned to w3 on m1, attempt 1
  w3 turns busy with d1, was idle
  = d1, attempt 1, expires at 8s
