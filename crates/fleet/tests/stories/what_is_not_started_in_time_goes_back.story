# An assignment that is kept alive but not started within 10 s goes back, and no run is counted.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders

> submit j1 for hash runs 1
  j1 submitted
  = accepted
> w1 asks for work
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  = j1, attempt 1, expires at 8s
> +5s machine m1 beats with w1/j1
  = no orders
> +4999ms tick
  = done
> machine m1 beats with w1/j1
  = no orders
> +1ms tick
  j1 returned by w1 from assigned: not_started; runs failed 0, lost in a row 0, handed back 1
  w1 turns idle, was busy
  = done
> look at j1
  pending, runs failed 0, lost in a row 0, handed back 1; 1 by w1: not_started

# The machine is told to stop it.
> w1 starts j1
  ! lease lost
> machine m1 takes orders
  = stop w1/j1#1

# A start in time is enough for as long as the lease is renewed.
> +30s tick
  m1 silent
  = done
> w1 asks for work
  m1 is ready: w1 idle
  j1 assigned to w1 on m1, attempt 2
  w1 turns busy with j1, was idle
  = j1, attempt 2, expires at 48s
> +6s w1 starts j1
  j1 started by w1
  = no orders
> +6s w1 renews j1
  = no orders
> machine m1 beats
  = no orders
> +6s tick
  = done
> look at j1
  in_progress since 46s, runs failed 0, lost in a row 0, handed back 1; 1 by w1: not_started; 2 by w1: holds it
