# The first job of a workflow fixes priority and time for later steps that do not state them, as
# long as a job of it is known; beyond that the archive recalls it. What a step states is its own.
> rules tail 0

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 9
  w1 joined on m1 for hash, slots 9; completed 0, failed 0
  = no orders
> 10s submit a1 for hash in workflow f1 priority 70
  a1 submitted with its workflow's priority 70 of 10s
  = accepted
> 20s submit j1 for hash priority 70
  j1 submitted
  = accepted
> 30s submit a2 for hash in workflow f1 priority 10
  a2 submitted with its workflow's priority 70 of 10s
  = accepted
> 40s submit a3 for hash in workflow f1 workflow-priority 90
  a3 submitted with priority 90 of 10s; its workflow has priority 70 of 10s
  = accepted
> 50s submit a4 for hash in workflow f1 workflow-time 5s
  a4 submitted with priority 70 of 5s; its workflow has priority 70 of 10s
  = accepted
> 1m submit b1 for hash in workflow f2 workflow-priority 60 workflow-time 1s priority 99
  b1 submitted with its workflow's priority 60 of 1s
  = accepted
> submit b2 for hash in workflow f2 priority 99
  b2 submitted with its workflow's priority 60 of 1s
  = accepted
> submit b3 for hash in workflow f2 workflow-priority 60 workflow-time 2s
  b3 submitted with priority 60 of 2s; its workflow has priority 60 of 1s
  = accepted
> submit j2 for hash priority 60
  j2 submitted
  = accepted
> queue
  a3, a4, a1, a2, j1, b1, b2, b3, j2

# What a later step states fixes nothing.
> submit a5 for hash in workflow f1
  a5 submitted with its workflow's priority 70 of 10s
  = accepted
> queue
  a3, a4, a1, a2, a5, j1, b1, b2, b3, j2

# It is remembered while any job of the workflow is known.
> cancel a1
  a1 cancelled; attempt 0, runs failed 0
  = done
> cancel a2
  a2 cancelled; attempt 0, runs failed 0
  = done
> cancel a3
  a3 cancelled; attempt 0, runs failed 0
  = done
> cancel a4
  a4 cancelled; attempt 0, runs failed 0
  = done
> cancel a5
  a5 cancelled; attempt 0, runs failed 0
  = done
> 12h submit a6 for hash in workflow f1 priority 1
  a6 submitted with its workflow's priority 70 of 10s
  = accepted
> cancel a6
  a6 cancelled; attempt 0, runs failed 0
  = done
> archived before 12h1ms
  = done
> 12h1m tick
  m1 silent
  w1 left: gone
  m1 left: gone
  j1 unschedulable, missing service: hash
  b1 unschedulable, missing service: hash
  b2 unschedulable, missing service: hash
  b3 unschedulable, missing service: hash
  j2 unschedulable, missing service: hash
  forgotten: 0 completed, 6 others
  = done
> submit a7 for hash in workflow f1 recalling 70,10s priority 2
  a7 submitted with its workflow's priority 70 of 10s
  a7 unschedulable, missing service: hash
  = accepted
> submit a8 for hash in workflow f1 recalling 71,11s priority 3
  a8 submitted with its workflow's priority 70 of 10s
  a8 unschedulable, missing service: hash
  = accepted
> cancel a7
  a7 cancelled; attempt 0, runs failed 0
  = done
> submit a9 for hash in workflow f3 recalling 5,6s workflow-priority 90
  a9 submitted with priority 90 of 6s; its workflow has priority 5 of 6s
  a9 unschedulable, missing service: hash
  = accepted
> submit a10 for hash in workflow f3
  a10 submitted with its workflow's priority 5 of 6s
  a10 unschedulable, missing service: hash
  = accepted
> submit j3 for hash recalling 5,6s priority 3
  j3 submitted
  j3 unschedulable, missing service: hash
  = accepted
> submit a11 for hash in workflow f4 priority 3
  a11 submitted with its workflow's priority 3 of 12h1m
  a11 unschedulable, missing service: hash
  = accepted
