# The answer to a finish may be lost, so finishing again with the same lease and the same result
# is answered and no event. Anything else comes too late.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> worker w2 of m1 registers for hash
  w2 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders

> submit j1 for hash
  j1 submitted
  = accepted
> w1 asks for work
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  = j1, attempt 1, expires at 8s
> w1 finishes j1 with "x"
  j1 started by w1
  j1 completed with "x"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w1 finishes j1 with "x"
  = done
> +1h w1 finishes j1 with "x"
  = done
> w1 finishes j1 with "y"
  ! lease lost
> w2 finishes j1 with "x"
  ! lease lost
> w1 fails j1 "boom"
  ! lease lost
> w1 starts j1
  ! lease lost

# Also after a restart.
> restart
> w1 finishes j1 with "x"
  = done
> w1 finishes j1 with "y"
  ! lease lost

# An earlier lease does not finish it again, even with the same result.
> machine m1 beats
  = no orders
> submit j2 for hash
  j2 submitted
  = accepted
> w1 asks for work
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  = j2, attempt 1, expires at 1h8s
> w1 releases j2
  j2 returned by w1 from assigned: released; runs failed 0, lost in a row 0, handed back 1
  w1 turns idle, was busy
  = done
> +30s tick
  m1 silent
  = done
> w1 asks for work
  m1 is ready: w1 idle, w2 idle
  j2 assigned to w1 on m1, attempt 2
  w1 turns busy with j2, was idle
  = j2, attempt 2, expires at 1h38s
> w1 finishes j2 with "x"
  j2 started by w1
  j2 completed with "x"; attempt 2 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w1 finishes j2#1 with "x"
  ! lease lost
> w1 finishes j2#2 with "x"
  = done

# A cancelled job was not finished by anybody.
> submit j3 for hash
  j3 submitted
  = accepted
> w1 asks for work starting
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  j3 started by w1
  = j3, attempt 1, expires at 1h38s
> cancel j3
  j3 cancelled; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w1 finishes j3 with "x"
  ! lease lost
