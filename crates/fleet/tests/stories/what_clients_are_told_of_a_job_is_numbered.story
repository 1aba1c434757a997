# Submitted, assigned, started, returned, ended: what clients are told of a job is numbered one by one, also when
# the journal has forgotten how it came to that.
> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit j1 for hash
  j1 submitted
  = accepted
> number of j1
  1
> w1 asks for work
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  = j1, attempt 1, expires at 8s
> number of j1
  2
> w1 releases j1
  j1 returned by w1 from assigned: released; runs failed 0, lost in a row 0, handed back 1
  w1 turns idle, was busy
  = done
> number of j1
  3
> +30s tick
  m1 silent
  = done
> w1 asks for work starting
  m1 is ready: w1 idle
  j1 assigned to w1 on m1, attempt 2
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 2, expires at 38s
> number of j1
  5
> restart
> number of j1
  5
> w1 fails j1 "boom"
  j1 returned by w1 from in_progress: failed "boom" (internal), retry at 30s500ms; runs failed 1, lost in a row 0, handed back 1
  w1 turns idle, was busy
  = will retry at 30s500ms
> number of j1
  6
> +1m tick
  m1 silent
  = done
> w1 asks for work
  m1 is ready: w1 idle
  j1 assigned to w1 on m1, attempt 3
  w1 turns busy with j1, was idle
  = j1, attempt 3, expires at 1m38s
> restart
> number of j1
  7
> w1 finishes j1
  j1 started by w1
  j1 completed with "done"; attempt 3 of w1 on m1, runs failed 1
  w1 turns idle, was busy
  = done
> number of j1
  9
> restart
> number of j1
  9

# What is told to nobody, or to monitors only, has no number there.
> submit j2 for nothing
  j2 submitted
  j2 unschedulable, missing service: nothing
  = accepted
> number of j2
  1
> cancel j2
  j2 cancelled; attempt 0, runs failed 0
  = done
> number of j2
  2
