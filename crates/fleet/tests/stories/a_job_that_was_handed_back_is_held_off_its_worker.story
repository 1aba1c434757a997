# A job that a worker released or did not start is not offered to that worker for 30 s. Another
# one gets it at once, and the worker gets other jobs.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> worker w2 of m1 registers for hash
  w2 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit j1 for hash priority 90
  j1 submitted
  = accepted
> w1 asks for work
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  = j1, attempt 1, expires at 8s
> w1 releases j1
  j1 returned by w1 from assigned: released; runs failed 0, lost in a row 0, handed back 1
  w1 turns idle, was busy
  = done
> deadline
  8s
> w1 asks for work until 5m
  = nothing
> submit j2 for hash
  j2 submitted
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  = accepted
> look at j1
  pending, runs failed 0, lost in a row 0, handed back 1; 1 by w1: released
> why j1
  ready
  of 2 workers on 1 machines, 2 on 1 capable, 1 free
  ahead: 0

# Another one.
> w2 asks for work starting
  j1 assigned to w2 on m1, attempt 2
  w2 turns busy with j1, was idle
  j1 started by w2
  = j1, attempt 2, expires at 8s
> w2 releases j1
  j1 returned by w2 from in_progress: released; runs failed 0, lost in a row 0, handed back 2
  w2 turns idle, was busy
  = done

# When the time is over, who stands ready gets it.
> w1 starts j2
  j2 started by w1
  = no orders
> w1 finishes j2
  j2 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> 7s w1 asks for work until 5m
  = nothing
> w2 asks for work until 5m
  = nothing
> 14s machine m1 beats
  = no orders
> 21s machine m1 beats
  = no orders
> 28s machine m1 beats
  = no orders
> 29s999ms tick
  = done
> 30s tick
  j1 assigned to w1 on m1, attempt 3
  w1 turns busy with j1, was idle
  = done
> w1 starts j1
  j1 started by w1
  = no orders
> w1 finishes j1
  j1 completed with "done"; attempt 3 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done

# What was not started is held off, too.
> submit j3 for hash
  j3 submitted
  j3 assigned to w2 on m1, attempt 1
  w2 turns busy with j3, was idle
  = accepted
> 35s machine m1 beats with w2/j3
  = no orders
> 40s machine m1 beats with w2/j3
  = no orders
> tick
  j3 returned by w2 from assigned: not_started; runs failed 0, lost in a row 0, handed back 1
  w2 turns idle, was busy
  = done
> w2 asks for work until 10m
  = nothing
> 45s machine m1 beats
  = no orders
> w1 asks for work
  j3 assigned to w1 on m1, attempt 2
  w1 turns busy with j3, was idle
  = j3, attempt 2, expires at 53s
> w1 releases j3
  j3 returned by w1 from assigned: released; runs failed 0, lost in a row 0, handed back 2
  w1 turns idle, was busy
  = done

# A new session is the same worker; what was given and lost is not held off.
> worker w2 of m1 registers for hash
  w2 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> w2 asks for work
  = nothing
> submit j4 for hash
  j4 submitted
  = accepted
> w2 asks for work starting
  j4 assigned to w2 on m1, attempt 1
  w2 turns busy with j4, was idle
  j4 started by w2
  = j4, attempt 1, expires at 53s
> worker w2 of m1 registers for hash
  j4 returned by w2 from in_progress: session_replaced; runs failed 0, lost in a row 1
  w2 turns idle, was busy
  w2 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> w2 asks for work starting
  j4 assigned to w2 on m1, attempt 2
  w2 turns busy with j4, was idle
  j4 started by w2
  = j4, attempt 2, expires at 53s
