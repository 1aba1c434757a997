# Where the operator says so, a job that waits longer than that goes before all younger ones, the
# oldest first, whatever their priorities. It stays so for the rest of its life.

> rules starve-after 30m
> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit j1 for hash priority 1
  j1 submitted
  = accepted
> 1m submit j2 for hash priority 10
  j2 submitted
  = accepted
> 2m submit j3 for hash priority 90
  j3 submitted
  = accepted
> queue
  j3, j2, j1
> 10m machine m1 beats
  = no orders
> 19m machine m1 beats
  = no orders
> 28m machine m1 beats
  = no orders
> 29m59s999ms tick
  m1 silent
  = done
> queue
  j3, j2, j1
> deadline
  30m
> 30m tick
  j1 starves
  = done
> queue
  j1, j3, j2
> look at j1
  pending, runs failed 0, lost in a row 0, starves
> 31m tick
  j2 starves
  = done
> queue
  j1, j2, j3
> submit j4 for hash priority 1000000
  j4 submitted
  = accepted
> queue
  j1, j2, j4, j3
> why j4
  busy
  of 1 workers on 1 machines, 1 on 1 capable, 0 free
  ahead: 2

# It comes back as it was, and takes its place after its delay.
> w1 asks for work starting
  m1 is ready: w1 idle
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 31m8s
> w1 fails j1 "boom" after 1m
  j1 returned by w1 from in_progress: failed "boom" (internal), retry at 32m; runs failed 1, lost in a row 0
  w1 turns idle, was busy
  = will retry at 32m
> queue
  j1, j2, j4, j3
> 32m tick
  m1 silent
  j3 starves
  = done
> queue
  j1, j2, j3, j4
> w1 asks for work starting
  m1 is ready: w1 idle
  j1 assigned to w1 on m1, attempt 2
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 2, expires at 32m8s
> w1 finishes j1
  j1 completed with "done"; attempt 2 of w1 on m1, runs failed 1
  w1 turns idle, was busy
  = done
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 1, expires at 32m8s
> w1 finishes j2
  j2 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w1 asks for work starting
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  j3 started by w1
  = j3, attempt 1, expires at 32m8s
> w1 finishes j3
  j3 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w1 asks for work starting
  j4 assigned to w1 on m1, attempt 1
  w1 turns busy with j4, was idle
  j4 started by w1
  = j4, attempt 1, expires at 32m8s
> w1 finishes j4
  j4 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done

# Time passes while it is delayed and under a lease; but only what waits starves.
> submit j5 for hash not-before 2h priority 7
  j5 submitted
  = accepted
> submit j6 for hash priority 5
  j6 submitted
  = accepted
> w1 asks for work starting
  j6 assigned to w1 on m1, attempt 1
  w1 turns busy with j6, was idle
  j6 started by w1
  = j6, attempt 1, expires at 32m8s
> 40m w1 starts j6
  = no orders
> 1h2m submit j7 for hash priority 99
  j7 submitted
  = accepted
> w1 asks for work starting
  = nothing
> tick
  j6 returned by w1 from in_progress: lease_expired; runs failed 0, lost in a row 1
  w1 turns idle, was busy
  j5 starves
  j6 starves
  = done
> queue
  j5, j6, j7
> look at j5
  pending until 2h, runs failed 0, lost in a row 0, starves
> look at j6
  pending, runs failed 0, lost in a row 1, starves; 1 by w1: lease_expired
> look at j7
  pending, runs failed 0, lost in a row 0
> cancel j5
  j5 cancelled; attempt 0, runs failed 0
  = done

# How old its workflow is does not count.
> submit j8 for hash in workflow f1 workflow-time 1m
  j8 submitted with its workflow's priority 50 of 1m
  = accepted
> tick
  = done
> queue
  j6, j7, j8
