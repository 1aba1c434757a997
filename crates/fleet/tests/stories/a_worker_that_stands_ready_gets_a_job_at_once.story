# Who asks until later and gets nothing stands ready: the next job it can run is its own at once,
# and who stands longest is first. Asking again begins to stand anew.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> worker w2 of m1 registers for hash,render
  w2 joined on m1 for hash,render, slots 1; completed 0, failed 0
  = no orders
> worker w3 of m1 registers for render
  w3 joined on m1 for render, slots 1; completed 0, failed 0
  = no orders
> w1 asks for work until 30s
  = nothing
> w2 asks for work until 30s starting
  = nothing
> +1s submit j1 for render
  j1 submitted
  j1 assigned to w2 on m1, attempt 1
  w2 turns busy with j1, was idle
  j1 started by w2
  = accepted
> +1s submit j2 for hash
  j2 submitted
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  = accepted
> submit j3 for hash
  j3 submitted
  = accepted
> queue
  j3

# The one who asks again goes to the end.
> w1 finishes j2
  j2 started by w1
  j2 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w1 asks for work
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  = j3, attempt 1, expires at 10s
> w2 finishes j1
  j1 completed with "done"; attempt 1 of w2 on m1, runs failed 0
  w2 turns idle, was busy
  = done
> w1 finishes j3
  j3 started by w1
  j3 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w2 asks for work until 30s
  = nothing
> w1 asks for work until 30s
  = nothing
> w2 asks for work until 30s
  = nothing
> submit j4 for hash
  j4 submitted
  j4 assigned to w1 on m1, attempt 1
  w1 turns busy with j4, was idle
  = accepted
> submit j5 for hash
  j5 submitted
  j5 assigned to w2 on m1, attempt 1
  w2 turns busy with j5, was idle
  = accepted

# A job that comes back is offered like a new one.
> w1 finishes j4
  j4 started by w1
  j4 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w1 asks for work until 30s
  = nothing
> w2 releases j5
  j5 returned by w2 from assigned: released; runs failed 0, lost in a row 0, handed back 1
  w2 turns idle, was busy
  j5 assigned to w1 on m1, attempt 2
  w1 turns busy with j5, was idle
  = done

# Who stood until now stands no more, and who did not say until when does not stand.
> w3 asks for work until 10s
  = nothing
> 10s submit j6 for render
  j6 submitted
  = accepted
> w3 asks for work
  j6 assigned to w3 on m1, attempt 1
  w3 turns busy with j6, was idle
  = j6, attempt 1, expires at 18s
> w3 finishes j6
  j6 started by w3
  j6 completed with "done"; attempt 1 of w3 on m1, runs failed 0
  w3 turns idle, was busy
  = done
> w3 asks for work
  = nothing
> submit j7 for render
  j7 submitted
  = accepted
> w3 asks for work
  j7 assigned to w3 on m1, attempt 1
  w3 turns busy with j7, was idle
  = j7, attempt 1, expires at 18s
> w1 starts j5
  j5 started by w1
  = no orders
> machine m1 beats with w1/j5,w3/j7
  = no orders

# A backoff that is over is as good as a new job.
> w3 fails j7 "boom" after 2s
  j7 returned by w3 from assigned: failed "boom" (internal), retry at 12s; runs failed 1, lost in a row 0
  w3 turns idle, was busy
  = will retry at 12s
> w3 asks for work until 1m
  = nothing
> 12s tick
  j7 assigned to w3 on m1, attempt 2
  w3 turns busy with j7, was idle
  = done

# Of two that can do the same, too, the one who stands longer is first.
> worker w4 of m1 registers for render
  w4 joined on m1 for render, slots 1; completed 0, failed 0
  = no orders
> w4 asks for work until 1m
  = nothing
> +1s w3 finishes j7
  j7 started by w3
  j7 completed with "done"; attempt 2 of w3 on m1, runs failed 1
  w3 turns idle, was busy
  = done
> w3 asks for work until 1m
  = nothing
> submit j8 for render
  j8 submitted
  j8 assigned to w4 on m1, attempt 1
  w4 turns busy with j8, was idle
  = accepted
> submit j9 for render
  j9 submitted
  j9 assigned to w3 on m1, attempt 1
  w3 turns busy with j9, was idle
  = accepted
> w3 finishes j9
  j9 started by w3
  j9 completed with "done"; attempt 1 of w3 on m1, runs failed 0
  w3 turns idle, was busy
  = done
> w4 finishes j8
  j8 started by w4
  j8 completed with "done"; attempt 1 of w4 on m1, runs failed 0
  w4 turns idle, was busy
  = done

# Who asks no more stands no more; asking no more of an earlier asking changes nothing.
> w3 asks for work until 1m
  = nothing
> w3 asks for work until 1m
  = nothing
> w3 asks no more earlier
  = done
> submit k1 for render
  k1 submitted
  k1 assigned to w3 on m1, attempt 1
  w3 turns busy with k1, was idle
  = accepted
> w4 asks for work until 1m
  = nothing
> w4 asks no more
  = done
> w4 asks no more
  = done
> submit k2 for render
  k2 submitted
  = accepted
> w4 asks for work
  k2 assigned to w4 on m1, attempt 1
  w4 turns busy with k2, was idle
  = k2, attempt 1, expires at 21s

# One whose time is over is passed over, though it stood longer.
> w3 finishes k1
  k1 started by w3
  k1 completed with "done"; attempt 1 of w3 on m1, runs failed 0
  w3 turns idle, was busy
  = done
> w4 finishes k2
  k2 started by w4
  k2 completed with "done"; attempt 1 of w4 on m1, runs failed 0
  w4 turns idle, was busy
  = done
> w3 asks for work until 14s
  = nothing
> w4 asks for work until 1m
  = nothing
> 14s submit k3 for render
  k3 submitted
  k3 assigned to w4 on m1, attempt 1
  w4 turns busy with k3, was idle
  = accepted
