# The jobs ahead are counted up to 1,000; beyond it there are at least so many.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit 999 jobs x for hash
  x… submitted (999 times)
  = accepted (999 times)
> submit j1 for hash
  j1 submitted
  = accepted
> why j1
  ready
  of 1 workers on 1 machines, 1 on 1 capable, 1 free
  ahead: 999
> submit x1000 for hash priority 90
  x1000 submitted
  = accepted
> why j1
  ready
  of 1 workers on 1 machines, 1 on 1 capable, 1 free
  ahead: at least 1000
> submit x1001 for hash priority 90
  x1001 submitted
  = accepted
> why j1
  ready
  of 1 workers on 1 machines, 1 on 1 capable, 1 free
  ahead: at least 1000
> w1 asks for work
  x1000 assigned to w1 on m1, attempt 1
  w1 turns busy with x1000, was idle
  = x1000, attempt 1, expires at 8s
> why x1001
  busy
  of 1 workers on 1 machines, 1 on 1 capable, 0 free
  ahead: 0
