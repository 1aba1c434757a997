# When a machine falls silent its workers stand ready no more. Heard again they ask anew; until
# then they are given nothing.

> machine m1 joins
  m1 joined ready
  = no orders
> machine m2 joins
  m2 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> worker w2 of m2 registers for hash
  w2 joined on m2 for hash, slots 1; completed 0, failed 0
  = no orders
> w1 asks for work until 1h
  = nothing
> w2 asks for work until 1h
  = nothing
> +5s machine m2 beats
  = no orders
> +2s999ms tick
  = done
> +1ms tick
  m1 silent
  = done

# The one that stood longest is gone from its place.
> submit j1 for hash
  j1 submitted
  j1 assigned to w2 on m2, attempt 1
  w2 turns busy with j1, was idle
  = accepted
> submit j2 for hash
  j2 submitted
  = accepted
> queue
  j2

# Being heard again does not make it stand.
> machine m1 beats
  m1 is ready: w1 idle
  = no orders
> submit j3 for hash
  j3 submitted
  = accepted
> w1 asks for work
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  = j2, attempt 1, expires at 16s
> queue
  j3

# Nor does it get what becomes free in the moment in which its machine falls silent.
> w1 finishes j2
  j2 started by w1
  j2 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w1 asks for work
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  = j3, attempt 1, expires at 16s
> w1 releases j3
  j3 returned by w1 from assigned: released; runs failed 0, lost in a row 0, handed back 1
  w1 turns idle, was busy
  = done
> cancel j3
  j3 cancelled; attempt 1, runs failed 0
  = done
> w1 asks for work until 1h
  = nothing
> +5s machine m2 beats
  = no orders
> w2 fails j1 "boom" after 3s
  j1 returned by w2 from assigned: failed "boom" (internal), retry at 16s; runs failed 1, lost in a row 0
  w2 turns idle, was busy
  = will retry at 16s
> +3s tick
  m1 silent
  = done
> queue
  j1
> w2 asks for work
  j1 assigned to w2 on m2, attempt 2
  w2 turns busy with j1, was idle
  = j1, attempt 2, expires at 24s
