# A hundred jobs that nobody can run stand before one that somebody can: it is given at once.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash with gpu 16
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit 100 jobs x for hash needs gpu 80 priority 1000
  x… submitted (100 times)
  x… unschedulable, missing hardware.gpu_memory_gb >= 80 (100 times)
  = accepted (100 times)
> submit j1 for hash needs gpu 8
  j1 submitted
  = accepted
> why j1
  ready
  of 1 workers on 1 machines, 1 on 1 capable, 1 free
  ahead: 0
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> w1 asks for work
  = nothing
> why x100
  no capable worker
  of 1 workers on 1 machines, 0 on 0 capable, 0 free
  fails: hardware.gpu_memory_gb >= 80 (on 1)
  nearest: w1 on m1 lacks hardware.gpu_memory_gb >= 80
  best: 16 of 80 gpu_memory_gb on 1 machines
> why x1
  no capable worker
  of 1 workers on 1 machines, 0 on 0 capable, 0 free
  fails: hardware.gpu_memory_gb >= 80 (on 1)
  nearest: w1 on m1 lacks hardware.gpu_memory_gb >= 80
  best: 16 of 80 gpu_memory_gb on 1 machines

# Nor do those that wait for another customer, for another workflow or for their time.
> w1 finishes j1
  j1 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> worker w1 of m1 registers for hash with denying evil
  w1 joined on m1 for hash, slots 1; completed 1, failed 0
  = no orders
> submit 100 jobs x10 for hash customer evil priority 1000
  x… submitted (100 times)
  x… unschedulable, missing open to customer evil (100 times)
  = accepted (100 times)
> submit 100 jobs x20 for hash not-before 1h priority 1000
  x… submitted (100 times)
  = accepted (100 times)
> submit j2 for hash
  j2 submitted
  = accepted
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 1, expires at 8s
> tick
  = done

# When somebody comes who can, they go in their order.
> worker w2 of m1 registers for hash slots 64 with gpu 80
  w2 joined on m1 for hash, slots 64; completed 0, failed 0
  = no orders
> tick
  x… schedulable (200 times)
  = done
> w2 asks for work
  x1 assigned to w2 on m1, attempt 1
  w2 turns busy with x1, was idle
  = x1, attempt 1, expires at 8s
> w2 asks for work
  x2 assigned to w2 on m1, attempt 1
  = x2, attempt 1, expires at 8s
