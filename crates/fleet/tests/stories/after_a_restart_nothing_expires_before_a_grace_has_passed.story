# After a restart nobody knows who was heard when: no lease and no machine expires for 16 s, and
# what is heard again goes on as if nothing had been.

> machine m1 joins
  m1 joined ready
  = no orders
> machine m2 joins
  m2 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> worker w2 of m2 registers for hash slots 2
  w2 joined on m2 for hash, slots 2; completed 0, failed 0
  = no orders
> submit j1 for hash
  j1 submitted
  = accepted
> submit j2 for hash
  j2 submitted
  = accepted
> submit j3 for hash runs 2
  j3 submitted
  = accepted
> submit j4 for hash
  j4 submitted
  = accepted
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> w2 asks for work starting
  j2 assigned to w2 on m2, attempt 1
  w2 turns busy with j2, was idle
  j2 started by w2
  = j2, attempt 1, expires at 8s
> w2 asks for work
  j3 assigned to w2 on m2, attempt 1
  = j3, attempt 1, expires at 8s
> 1s w1 finishes j1
  j1 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w1 asks for work
  j4 assigned to w1 on m1, attempt 1
  w1 turns busy with j4, was idle
  = j4, attempt 1, expires at 9s
> 2s w2 fails j3 "boom" after 1m
  j3 returned by w2 from assigned: failed "boom" (internal), retry at 1m2s; runs failed 1, lost in a row 0
  = will retry at 1m2s
> w2 asks for work starting
  = nothing
> w1 asks for work until 1h
  = nothing

# One machine comes back, and its worker with what it had.
> 1h restart
> tick
  = done
> submit j5 for hash
  j5 submitted
  = accepted
> +8s tick
  = done
> w1 renews j4
  = no orders
> +1s machine m2 beats with w2/j2
  = no orders
> +6s999ms tick
  = done
> deadline
  1h16s
> +1ms tick
  j4 returned by w1 from assigned: lease_expired; runs failed 0, lost in a row 0
  w1 turns idle, was busy
  m1 silent
  = done

# A renewal in the grace does not make it shorter.
> restart
> tick
  = done
> +1s machine m2 beats with w2/j2
  = no orders
> w2 asks for work having nothing
  = j2, attempt 1, expires at 1h32s
> +14s machine m1 beats
  m1 is ready: w1 idle
  = no orders
> +999ms tick
  = done
> deadline
  1h32s
> w2 finishes j2
  j2 completed with "done"; attempt 1 of w2 on m2, runs failed 0
  w2 turns idle, was busy
  = done
