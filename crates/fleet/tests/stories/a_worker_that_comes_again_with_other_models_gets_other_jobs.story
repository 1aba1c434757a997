# What a worker can do is what it said last: when it registers again with other models, jobs for
# the new ones are its own at once, and jobs for the old ones wait for others.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 2 with models hash:sdxl
  w1 joined on m1 for hash, slots 2; completed 0, failed 0
  = no orders
> submit j1 for hash needs models sdxl
  j1 submitted
  = accepted
> submit j2 for hash needs models flux
  j2 submitted
  j2 unschedulable, missing models: flux
  = accepted
> submit j3 for hash needs models sdxl,flux
  j3 submitted
  j3 unschedulable, missing models: flux, sdxl
  = accepted
> submit j4 for hash needs models sdxl
  j4 submitted
  = accepted
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> worker w1 of m1 registers for hash slots 2 with models hash:flux resuming j1
  w1 joined on m1 for hash, slots 2; completed 0, failed 0
  = no orders
> tick
  j4 unschedulable, missing models: sdxl
  j2 schedulable
  = done
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 1
  j2 started by w1
  = j2, attempt 1, expires at 8s
> w1 asks for work
  = nothing
> why j4
  no capable worker
  of 1 workers on 1 machines, 0 on 0 capable, 0 free
  fails: models: sdxl (on 1)
  nearest: w1 on m1 lacks models: sdxl

# Both: everything.
> w1 finishes j1
  j1 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  = done
> worker w1 of m1 registers for hash slots 2 with models hash:flux,sdxl resuming j2
  w1 joined on m1 for hash, slots 2; completed 1, failed 0
  = no orders
> tick
  j4 schedulable
  j3 schedulable
  = done
> w1 asks for work starting
  j3 assigned to w1 on m1, attempt 1
  j3 started by w1
  = j3, attempt 1, expires at 8s
> w1 finishes j3
  j3 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  = done
> w1 asks for work starting
  j4 assigned to w1 on m1, attempt 1
  j4 started by w1
  = j4, attempt 1, expires at 8s

# Models count for their service only.
> w1 finishes j2
  j2 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  = done
> w1 finishes j4
  j4 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> worker w1 of m1 registers for hash,render slots 2 with models render:sdxl+hash:flux
  w1 joined on m1 for hash,render, slots 2; completed 4, failed 0
  = no orders
> submit j5 for hash needs models sdxl
  j5 submitted
  j5 unschedulable, missing models: sdxl
  = accepted
> submit j6 for render needs models sdxl
  j6 submitted
  = accepted
> w1 asks for work
  j6 assigned to w1 on m1, attempt 1
  w1 turns busy with j6, was idle
  = j6, attempt 1, expires at 8s
