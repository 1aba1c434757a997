# Registering begins a session. What it resumes goes on; what it does not goes back at once,
# and calls of the session before are refused.

> machine m1 joins
  m1 joined ready
  = no orders
> machine m2 joins
  m2 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 2
  w1 joined on m1 for hash, slots 2; completed 0, failed 0
  = no orders
> submit j1 for hash
  j1 submitted
  = accepted
> submit j2 for hash
  j2 submitted
  = accepted
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> w1 asks for work
  j2 assigned to w1 on m1, attempt 1
  = j2, attempt 1, expires at 8s

# One is resumed under the same lease and attempt, the other one is not.
> +5s worker w1 of m1 registers for hash slots 2 resuming j1
  j2 returned by w1 from assigned: session_replaced; runs failed 0, lost in a row 0
  w1 joined on m1 for hash, slots 2; completed 0, failed 0
  = no orders
> w1 asks for work session 1
  ! session replaced: w1
> w1 finishes j2
  ! lease lost
> machine m1 takes orders
  = stop w1/j2#1
> machine m1 beats with w1/j1
  = no orders
> +5s w1 renews j1
  = no orders
> w1 asks for work
  j2 assigned to w1 on m1, attempt 2
  = j2, attempt 2, expires at 18s
> w1 finishes j1
  j1 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  = done

# What cannot be resumed is said.
> worker w1 of m1 registers for hash resuming j1,j2,j7
  w1 joined on m1 for hash, slots 1; completed 1, failed 0
  = stop w1/j1#1, an unknown lease

# An empty registration gives everything back.
> look at j2
  assigned, runs failed 0, lost in a row 0; 1 by w1: session_replaced; 2 by w1: holds it
> w1 asks for work until 1h
  = nothing
> submit j3 for hash
  j3 submitted
  = accepted
> worker w1 of m1 registers for hash
  j2 returned by w1 from assigned: session_replaced; runs failed 0, lost in a row 0
  w1 turns idle, was busy
  w1 joined on m1 for hash, slots 1; completed 1, failed 0
  = no orders
> w1 finishes j3
  ! lease lost

# On another machine nothing can be resumed.
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 3
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 3, expires at 18s
> worker w1 of m2 registers for hash resuming j2
  j2 returned by w1 from in_progress: session_replaced; runs failed 0, lost in a row 1
  w1 turns idle, was busy
  w1 left: moved
  w1 joined on m2 for hash, slots 1; completed 1, failed 0
  = stop w1/j2#3
> machine m1 takes orders
  = stop w1/j2#2, w1/j2#3
> machine m1 leaves
  m1 left
  = done

# A new session does not stand where the old one stood.
> cancel j2
  j2 cancelled; attempt 3, runs failed 0
  = done
> cancel j3
  j3 cancelled; attempt 0, runs failed 0
  = done
> w1 asks for work until 1h
  = nothing
> worker w1 of m2 registers for hash,render
  w1 joined on m2 for hash,render, slots 1; completed 1, failed 0
  = no orders
> submit j4 for hash
  j4 submitted
  = accepted
> w1 asks for work
  j4 assigned to w1 on m2, attempt 1
  w1 turns busy with j4, was idle
  = j4, attempt 1, expires at 18s

# Without a machine there is no worker.
> worker w2 of m1 registers for hash
  ! unknown machine: m1
> w2 asks for work
  ! unknown worker: w2
