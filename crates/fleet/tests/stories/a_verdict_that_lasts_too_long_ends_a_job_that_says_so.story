# With `fail_if_unmatched` a job that no worker of the fleet could run for so long fails as
# unschedulable. It counts from the moment at which that was told, and anew each time.

> machine m1 joins
  m1 joined ready
  = no orders
> submit j1 for hash fail-if-unmatched 10s
  j1 submitted
  j1 unschedulable, missing service: hash
  = accepted
> submit j2 for hash
  j2 submitted
  j2 unschedulable, missing service: hash
  = accepted
> 9s999ms tick
  m1 silent
  = done
> 10s tick
  j1 failed "no worker could run it for 10000 ms (fail_if_unmatched_ms); missing: service: hash" (broker unschedulable); attempt 0, runs failed 0
  = done
> look at j1
  failed at 10s, runs failed 0, lost in a row 0
> look at j2
  pending, unschedulable since 0s, runs failed 0, lost in a row 0

# A worker that comes and goes begins it anew.
> submit j3 for hash needs gpu 24 fail-if-unmatched 10s
  j3 submitted
  j3 unschedulable, missing service: hash
  = accepted
> 15s worker w1 of m1 registers for hash with gpu 24
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> tick
  j2 schedulable
  j3 schedulable
  = done
> 19s worker w1 leaves
  w1 left
  = done
> 20s tick
  j2 unschedulable, missing service: hash
  j3 unschedulable, missing service: hash
  = done
> 29s999ms tick
  = done
> 30s tick
  j3 failed "no worker could run it for 10000 ms (fail_if_unmatched_ms); missing: service: hash" (broker unschedulable); attempt 0, runs failed 0
  = done

# One that is busy, or drained, is somebody all the same.
> worker w1 of m1 registers for hash with gpu 24
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> 31s w1 asks for work starting
  m1 is ready: w1 idle
  j2 schedulable
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 1, expires at 39s
> submit j4 for hash needs gpu 24 fail-if-unmatched 10s
  j4 submitted
  = accepted
> 38s w1 renews j2
  = no orders
> drain worker w1
  w1 is drained: draining, was busy
  = done
> 45s w1 renews j2
  = drain
> tick
  m1 silent
  = done
> look at j4
  pending, runs failed 0, lost in a row 0

# None at all: at the next tick.
> submit j5 for draw fail-if-unmatched 0s
  j5 submitted
  j5 unschedulable, missing service: draw
  = accepted
> deadline
  45s
> tick
  j5 failed "no worker could run it for 0 ms (fail_if_unmatched_ms); missing: service: draw" (broker unschedulable); attempt 0, runs failed 0
  = done
