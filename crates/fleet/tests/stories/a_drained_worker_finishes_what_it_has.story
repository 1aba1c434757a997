# A worker that an operator drains finishes what it has and gets nothing new until it is undrained,
# whatever it declares itself. A new session changes nothing in that.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 2
  w1 joined on m1 for hash, slots 2; completed 0, failed 0
  = no orders
> worker w2 of m1 registers for hash
  w2 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit j1 for hash
  j1 submitted
  = accepted
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> w1 asks for work until 1h
  = nothing
> drain worker w1
  w1 is drained: draining, was busy
  = done
> drain worker w1
  = done
> submit j2 for hash
  j2 submitted
  = accepted
> w1 asks for work
  = nothing; drain
> w1 renews j1
  = drain
> w1 starts j1
  = drain
> machine m1 beats with w1/j1
  = no orders
> worker w1 of m1 registers for hash slots 2 resuming j1
  w1 joined on m1 for hash, slots 2, drained; completed 0, failed 0
  = drain
> w1 asks for work
  = nothing; drain
> why j2
  ready
  of 2 workers on 1 machines, 2 on 1 capable, 1 free
  ahead: 0
> w2 asks for work starting
  j2 assigned to w2 on m1, attempt 1
  w2 turns busy with j2, was idle
  j2 started by w2
  = j2, attempt 1, expires at 8s
> w1 finishes j1
  j1 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  = done
> submit j3 for hash
  j3 submitted
  = accepted
> undrain worker w1
  w1 is drained no more: idle, was draining
  = done
> undrain worker w1
  = done
> w1 asks for work starting
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  j3 started by w1
  = j3, attempt 1, expires at 8s

# What it declares and what is done to it are two things.
> drain worker w1
  w1 is drained: draining, was busy
  = done
> machine m1 beats with w1/j3 drains w1
  w1 declares itself draining, was draining
  = no orders
> undrain worker w1
  w1 is drained no more: draining, was draining
  = done
> w1 asks for work
  = nothing
> machine m1 beats with w1/j3 recovers w1
  w1 declares itself busy, was draining
  = no orders
> drain machine m1
  m1 is ready, drained: w1 draining with j3, w2 draining with j2
  w1 turns draining with j3, was busy
  w2 turns draining with j2, was busy
  = done
> drain worker w1
  w1 is drained: draining, was draining
  = done
> undrain machine m1
  m1 is ready: w1 draining with j3, w2 busy with j2
  w2 turns busy with j2, was draining
  = done
> undrain worker w1
  w1 is drained no more: busy, was draining
  = done
> drain worker w9
  ! unknown worker: w9

# It moves with its drain.
> machine m2 joins
  m2 joined ready
  = no orders
> drain worker w2
  w2 is drained: draining, was busy
  = done
> worker w2 of m2 registers for hash
  j2 returned by w2 from in_progress: session_replaced; runs failed 0, lost in a row 1
  w2 left: moved
  w2 joined on m2 for hash, slots 1, drained; completed 0, failed 0
  = drain
> w2 asks for work
  = nothing; drain
> undrain worker w2
  w2 is drained no more: idle, was draining
  = done

# Leaving ends it.
> drain worker w1
  w1 is drained: draining, was busy
  = done
> worker w1 leaves
  j3 returned by w1 from in_progress: worker_left; runs failed 0, lost in a row 1
  w1 left
  = done
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
