# A verdict that was told is not told again after a restart, and the time since it was told goes on.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit j1 for hash needs gpu 24 fail-if-unmatched 20s
  j1 submitted
  j1 unschedulable, missing hardware.gpu_memory_gb >= 24
  = accepted
> submit j2 for hash
  j2 submitted
  = accepted
> submit j3 for draw
  j3 submitted
  j3 unschedulable, missing service: draw
  = accepted
> 5s restart
> deadline
  at once
> tick
  = done
> look at j1
  pending, unschedulable since 0s, runs failed 0, lost in a row 0
> look at j2
  pending, runs failed 0, lost in a row 0
> why j1
  no capable worker
  of 1 workers on 1 machines, 0 on 0 capable, 0 free
  fails: hardware.gpu_memory_gb >= 24 (on 1)
  nearest: w1 on m1 lacks hardware.gpu_memory_gb >= 24
  best: 0 of 24 gpu_memory_gb on 1 machines
> worker w2 of m1 registers for hash with gpu 24
  w2 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> 6s restart
> tick
  j1 schedulable
  = done
> look at j1
  pending, runs failed 0, lost in a row 0
> 7s worker w2 leaves
  w2 left
  = done
> restart
> tick
  j1 unschedulable, missing hardware.gpu_memory_gb >= 24
  = done
> look at j1
  pending, unschedulable since 7s, runs failed 0, lost in a row 0
> 8s restart
> 26s999ms tick
  m1 silent
  = done
> 27s tick
  j1 failed "no worker could run it for 20000 ms (fail_if_unmatched_ms); missing: hardware.gpu_memory_gb >= 24" (broker unschedulable); attempt 0, runs failed 0
  = done
> restart
> tick
  = done

# What was not told before is told after.
> worker w3 of m1 registers for draw
  w3 joined on m1 for draw, slots 1; completed 0, failed 0
  = no orders
> restart
> tick
  j3 schedulable
  = done
