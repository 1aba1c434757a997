# Who asks for work is heard, and its machine with it: a silent one is told to be there again
# before anything else is told.

> machine m1 joins as gpu-7
  m1 joined as gpu-7 ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> +5s w1 asks for work
  = nothing
> +7s999ms tick
  = done
> +1ms tick
  m1 silent
  = done

# With a job, without one, and for a lost answer. A lease that is renewed is not asking.
> submit j1 for hash
  j1 submitted
  = accepted
> w1 asks for work starting
  m1 is as gpu-7 ready: w1 idle
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 21s
> +7s999ms w1 renews j1
  = no orders
> +1ms tick
  m1 silent
  = done
> w1 asks for work having nothing
  m1 is as gpu-7 ready: w1 busy with j1
  = j1, attempt 1, expires at 29s
> w1 finishes j1
  j1 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> +8s tick
  m1 silent
  = done
> w1 asks for work until 1h
  m1 is as gpu-7 ready: w1 idle
  = nothing
> submit j2 for hash
  j2 submitted
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  = accepted
> w1 finishes j2
  j2 started by w1
  j2 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done

# Who may not ask is not heard.
> +8s tick
  m1 silent
  = done
> deadline
  10m5s
> +1s w1 asks for work session 7
  ! session replaced: w1
> w2 asks for work
  ! unknown worker: w2
> deadline
  10m5s
> w1 asks for work
  m1 is as gpu-7 ready: w1 idle
  = nothing

# The silence begins anew with each asking.
> +7s w1 asks for work
  = nothing
> +7s w1 asks for work
  = nothing
> +7s999ms tick
  = done
> +1ms tick
  m1 silent
  = done
