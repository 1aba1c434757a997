# A job is submitted, leased, started, reported on and finished: each is told once, in order.

> 0ms machine m1 joins as gpu-7
  m1 joined as gpu-7 ready
  = no orders
> worker w1 of m1 registers for hash,render
  w1 joined on m1 for hash,render, slots 1; completed 0, failed 0
  = no orders
> submit j1 for hash
  j1 submitted
  = accepted
> +500ms w1 asks for work
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  = j1, attempt 1, expires at 8s500ms

# Starting renews the lease; starting again is no event.
> +1s w1 starts j1
  j1 started by w1
  = no orders
> +1s w1 starts j1
  = no orders
> +1s w1 reports j1 percent 40 saying "warming up"
  ~ j1 at 40% says w1: warming up
  = no orders
> +1s w1 renews j1
  = no orders
> look at j1
  in_progress since 1s500ms, runs failed 0, lost in a row 0; 1 by w1: holds it
> +1s w1 finishes j1 with "x"
  j1 completed with "x"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> look at j1
  completed at 5s500ms, runs failed 0, lost in a row 0; 1 by w1: the end

# Progress and finish imply a start.
> submit j2 for render
  j2 submitted
  = accepted
> w1 asks for work
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  = j2, attempt 1, expires at 13s500ms
> w1 reports j2 percent 5
  j2 started by w1
  ~ j2 at 5% says w1
  = no orders
> w1 finishes j2
  j2 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> submit j3 for render
  j3 submitted
  = accepted
> w1 asks for work
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  = j3, attempt 1, expires at 13s500ms
> w1 finishes j3
  j3 started by w1
  j3 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done

# A worker that says so starts with the lease itself.
> submit j4 for hash
  j4 submitted
  = accepted
> w1 asks for work starting
  j4 assigned to w1 on m1, attempt 1
  w1 turns busy with j4, was idle
  j4 started by w1
  = j4, attempt 1, expires at 13s500ms
> w1 finishes j4
  j4 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
