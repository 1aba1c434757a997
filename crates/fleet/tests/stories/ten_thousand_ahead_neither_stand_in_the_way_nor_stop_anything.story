# Ten thousand jobs that nobody can run stand before one that somebody can: it is given at once.
# When a worker comes that can run them, they are told so a thousand at a time, with pauses; they
# are given meanwhile, and others beside them.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash with gpu 16
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit 10000 jobs x for hash needs gpu 80 priority 1000
  x… submitted (10000 times)
  x… unschedulable, missing hardware.gpu_memory_gb >= 80 (10000 times)
  = accepted (10000 times)
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

> worker w2 of m1 registers for hash with gpu 80
  w2 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> tick
  x… schedulable (1000 times)
  = done
> deadline
  100ms
> w2 asks for work starting
  x1 assigned to w2 on m1, attempt 1
  w2 turns busy with x1, was idle
  x1 started by w2
  = x1, attempt 1, expires at 8s
> w2 finishes x1
  x1 completed with "done"; attempt 1 of w2 on m1, runs failed 0
  w2 turns idle, was busy
  = done
> +100ms tick
  x… schedulable (1000 times)
  = done
> submit j2 for hash needs gpu 8
  j2 submitted
  = accepted
> why j2
  ready
  of 2 workers on 1 machines, 2 on 1 capable, 1 free
  ahead: at least 1000
> w1 finishes j1
  j1 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 1, expires at 8s100ms
