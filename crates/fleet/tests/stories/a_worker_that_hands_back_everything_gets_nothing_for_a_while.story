# A worker that sixty-four jobs are held off from is offered nothing until the first of these times
# is over. Others are not touched by it.

> machine m1 joins
  m1 joined ready
  = no orders
> machine m2 joins
  m2 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 64
  w1 joined on m1 for hash, slots 64; completed 0, failed 0
  = no orders
> worker w2 of m2 registers for hash
  w2 joined on m2 for hash, slots 1; completed 0, failed 0
  = no orders
> submit 64 jobs x for hash
  x… submitted (64 times)
  = accepted (64 times)
> repeat 64 w1 asks for work
  x… assigned to w1 on m1, attempt 1 (64 times)
  w1 turns busy with x1, was idle
  = x…, attempt 1, expires at 8s (64 times)
> repeat 63 w1 releases x
  x… returned by w1 from assigned: released; runs failed 0, lost in a row 0, handed back 1 (63 times)
  = done (63 times)
> submit j1 for hash priority 1
  j1 submitted
  = accepted
> w1 asks for work
  j1 assigned to w1 on m1, attempt 1
  = j1, attempt 1, expires at 8s
> w1 releases j1
  j1 returned by w1 from assigned: released; runs failed 0, lost in a row 0, handed back 1
  = done
> submit j2 for hash priority 99
  j2 submitted
  = accepted
> w1 asks for work until 1h
  = nothing
> why j2
  ready
  of 2 workers on 2 machines, 2 on 2 capable, 1 free
  ahead: 0
> w2 asks for work starting
  j2 assigned to w2 on m2, attempt 1
  w2 turns busy with j2, was idle
  j2 started by w2
  = j2, attempt 1, expires at 8s
> w2 finishes j2
  j2 completed with "done"; attempt 1 of w2 on m2, runs failed 0
  w2 turns idle, was busy
  = done
> submit j3 for hash priority 99
  j3 submitted
  = accepted
> 5s machine m1 beats with w1/x64
  = no orders
> 12s machine m1 beats with w1/x64
  = no orders
> look at x64
  assigned, runs failed 0, lost in a row 0; 1 by w1: holds it
> 19s machine m1 beats
  = no orders
> 29s999ms machine m1 beats
  = no orders
> tick
  x64 returned by w1 from assigned: not_started; runs failed 0, lost in a row 0, handed back 1
  w1 turns idle, was busy
  m2 silent
  = done
> 30s tick
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  = done
> look at j3
  assigned, runs failed 0, lost in a row 0; 1 by w1: holds it
