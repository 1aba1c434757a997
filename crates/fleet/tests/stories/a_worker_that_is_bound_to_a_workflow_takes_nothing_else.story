# A worker with a workflow takes only jobs of that workflow, the best first; they may also run
# elsewhere.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 9 with bound f1
  w1 joined on m1 for hash, slots 9; completed 0, failed 0
  = no orders
> worker w2 of m1 registers for hash slots 9
  w2 joined on m1 for hash, slots 9; completed 0, failed 0
  = no orders
> submit j1 for hash priority 90
  j1 submitted
  = accepted
> submit j2 for hash in workflow f2 priority 90
  j2 submitted with its workflow's priority 90 of 0s
  = accepted
> submit j3 for hash in workflow f1 priority 10
  j3 submitted with its workflow's priority 10 of 0s
  = accepted
> w1 asks for work
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  = j3, attempt 1, expires at 8s
> w1 asks for work until 1h
  = nothing
> submit j4 for hash
  j4 submitted
  = accepted
> submit j5 for hash in workflow f1
  j5 submitted with its workflow's priority 10 of 0s
  j5 assigned to w1 on m1, attempt 1
  = accepted
> w2 asks for work
  j1 assigned to w2 on m1, attempt 1
  w2 turns busy with j1, was idle
  = j1, attempt 1, expires at 8s
> w2 asks for work
  j2 assigned to w2 on m1, attempt 1
  = j2, attempt 1, expires at 8s
> w2 asks for work
  j4 assigned to w2 on m1, attempt 1
  = j4, attempt 1, expires at 8s
> submit j6 for hash in workflow f1
  j6 submitted with its workflow's priority 10 of 0s
  = accepted
> w2 asks for work
  j6 assigned to w2 on m1, attempt 1
  = j6, attempt 1, expires at 8s

# Bound and choosy about customers.
> worker w1 of m1 registers for hash slots 9 with bound f3 denying evil
  j3 returned by w1 from assigned: session_replaced; runs failed 0, lost in a row 0
  j5 returned by w1 from assigned: session_replaced; runs failed 0, lost in a row 0
  w1 turns idle, was busy
  w1 joined on m1 for hash, slots 9; completed 0, failed 0
  = no orders
> worker w2 leaves
  j1 returned by w2 from assigned: worker_left; runs failed 0, lost in a row 0
  j2 returned by w2 from assigned: worker_left; runs failed 0, lost in a row 0
  j4 returned by w2 from assigned: worker_left; runs failed 0, lost in a row 0
  j6 returned by w2 from assigned: worker_left; runs failed 0, lost in a row 0
  w2 turns idle, was busy
  w2 left
  = done
> submit k1 for hash in workflow f3 customer evil priority 99
  k1 submitted with its workflow's priority 99 of 0s
  k1 unschedulable, missing open to customer evil
  = accepted
> submit k2 for hash in workflow f3 customer acme workflow-priority 5
  k2 submitted with priority 5 of 0s; its workflow has priority 99 of 0s
  = accepted
> submit k3 for hash in workflow f3 workflow-priority 7
  k3 submitted with priority 7 of 0s; its workflow has priority 99 of 0s
  = accepted
> submit k4 for hash
  k4 submitted
  k4 unschedulable, missing not bound to a workflow
  = accepted
> w1 asks for work
  k3 assigned to w1 on m1, attempt 1
  w1 turns busy with k3, was idle
  = k3, attempt 1, expires at 8s
> w1 asks for work
  k2 assigned to w1 on m1, attempt 1
  = k2, attempt 1, expires at 8s
> w1 asks for work
  = nothing
> why k1
  no capable worker
  of 1 workers on 1 machines, 0 on 0 capable, 0 free
  fails: open to customer evil (on 1)
  nearest: w1 on m1 lacks open to customer evil
> why k4
  no capable worker
  of 1 workers on 1 machines, 0 on 0 capable, 0 free
  fails: not bound to a workflow (on 1)
  nearest: w1 on m1 lacks not bound to a workflow
