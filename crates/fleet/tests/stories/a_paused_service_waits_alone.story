# Nothing of a paused service is given, whatever comes in; what is held goes on, and other services
# are not touched. When it is resumed, who stands ready is served, longest first.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash,render
  w1 joined on m1 for hash,render, slots 1; completed 0, failed 0
  = no orders
> worker w2 of m1 registers for hash,render
  w2 joined on m1 for hash,render, slots 1; completed 0, failed 0
  = no orders
> worker w3 of m1 registers for hash
  w3 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit j1 for hash
  j1 submitted
  = accepted
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> pause hash
  hash paused
  = done
> pause hash
  = done
> submit j2 for hash priority 90
  j2 submitted
  = accepted
> submit j3 for render
  j3 submitted
  = accepted
> why j2
  paused
  of 3 workers on 1 machines, 3 on 1 capable, 2 free
> why j3
  ready
  of 3 workers on 1 machines, 2 on 1 capable, 1 free
  nearest: w3 on m1 lacks service: render
  ahead: 0
> w2 asks for work starting
  j3 assigned to w2 on m1, attempt 1
  w2 turns busy with j3, was idle
  j3 started by w2
  = j3, attempt 1, expires at 8s
> w1 finishes j1
  j1 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w3 asks for work until 1h
  = nothing
> w1 asks for work until 1h
  = nothing
> submit j4 for hash
  j4 submitted
  = accepted
> w2 releases j3
  j3 returned by w2 from in_progress: released; runs failed 0, lost in a row 0, handed back 1
  w2 turns idle, was busy
  j3 assigned to w1 on m1, attempt 2
  w1 turns busy with j3, was idle
  = done
> queue
  j2, j4
> resume render
  = done
> resume hash
  hash resumed
  j2 assigned to w3 on m1, attempt 1
  w3 turns busy with j2, was idle
  = done
> resume hash
  = done
> queue
  j4

# A backoff that ends, and a hold-off, do not go round it; nor does anybody's leaving.
> pause render
  render paused
  = done
> cancel j4
  j4 cancelled; attempt 0, runs failed 0
  = done
> w1 fails j3 "boom" after 1s
  j3 returned by w1 from assigned: failed "boom" (internal), retry at 1s; runs failed 1, lost in a row 0, handed back 1
  w1 turns idle, was busy
  = will retry at 1s
> w1 asks for work until 1h
  = nothing
> 1s tick
  = done
> worker w2 leaves
  w2 left
  = done
> tick
  = done
> resume render
  render resumed
  j3 assigned to w1 on m1, attempt 3
  w1 turns busy with j3, was idle
  = done

# A service that nobody offers can be paused, too.
> pause draw
  draw paused
  = done
> submit d1 for draw
  d1 submitted
  d1 unschedulable, missing service: draw
  = accepted
> why d1
  no capable worker
  of 2 workers on 1 machines, 0 on 0 capable, 0 free
  fails: service: draw (on 1)
  nearest: w1 on m1 lacks service: draw
> worker w4 of m1 registers for draw
  w4 joined on m1 for draw, slots 1; completed 0, failed 0
  = no orders
> tick
  d1 schedulable
  = done
> why d1
  paused
  of 3 workers on 1 machines, 1 on 1 capable, 1 free
  nearest: w1 on m1 lacks service: draw
> w4 asks for work until 1h
  = nothing
> resume draw
  draw resumed
  d1 assigned to w4 on m1, attempt 1
  w4 turns busy with d1, was idle
  = done
