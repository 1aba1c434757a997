# A finished job is known for 24 h, and its id stays taken; then it is forgotten and the id is
# free again.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders

> submit j1 for hash payload "a"
  j1 submitted
  = accepted
> w1 asks for work
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  = j1, attempt 1, expires at 8s
> 1s w1 finishes j1 with "x"
  j1 started by w1
  j1 completed with "x"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> 2s submit j2 for hash
  j2 submitted
  = accepted
> cancel j2
  j2 cancelled; attempt 0, runs failed 0
  = done
> machine m1 leaves
  w1 left
  m1 left
  = done

> 24h999ms tick
  = done
> submit j1 for hash payload "b"
  ! job id conflict: j1
> deadline
  24h1s
> +1ms tick
  j1 forgotten
  = done
> look at j1
  unknown
> w1 finishes j1 with "x"
  ! lease lost
> cancel j1
  ! job not found: j1
> submit j1 for hash payload "b"
  j1 submitted
  j1 unschedulable, missing service: hash
  = accepted
> +1s tick
  j2 forgotten
  = done
> queue
  j1

# What was forgotten stays forgotten.
> restart
> look at j2
  unknown
> submit j3 for hash
  j3 submitted
  j3 unschedulable, missing service: hash
  = accepted
> queue
  j1, j3
> cancel j1
  j1 cancelled; attempt 0, runs failed 0
  = done
> cancel j3
  j3 cancelled; attempt 0, runs failed 0
  = done
> +24h tick
  j1 forgotten
  j3 forgotten
  = done
> restart
> submit j1 for hash
  j1 submitted
  j1 unschedulable, missing service: hash
  = accepted
