# A machine that an operator drains finishes what it has and gets nothing new until it is undrained.
# Its order to drain is told once by itself, and with every answer that tells orders anyhow.

> machine m1 joins
  m1 joined ready
  = no orders
> machine m2 joins
  m2 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 2
  w1 joined on m1 for hash, slots 2; completed 0, failed 0
  = no orders
> worker w2 of m1 registers for hash
  w2 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> worker w3 of m2 registers for hash
  w3 joined on m2 for hash, slots 1; completed 0, failed 0
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
> w2 asks for work until 1h
  = nothing
> drain machine m1
  m1 is ready, drained: w1 draining with j1, w2 draining
  w1 turns draining with j1, was busy
  w2 turns draining, was idle
  = done
> drain machine m1
  = done
> submit j2 for hash
  j2 submitted
  = accepted
> w1 asks for work
  = nothing; drain
> w2 asks for work
  = nothing; drain
> machine m1 takes orders
  = drain
> machine m1 takes orders
  = no new orders: drain
> w1 renews j1
  = drain
> w1 reports j1 percent 50
  ~ j1 at 50% says w1
  = drain
> machine m1 beats with w1/j1
  = drain
> why j2
  ready
  of 3 workers on 2 machines, 3 on 2 capable, 1 free
  ahead: 0
> machine m2 takes orders
  = no orders
> w1 finishes j1
  j1 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  = done

# It survives another registration and joining again.
> worker w2 of m1 registers for hash
  w2 joined on m1 for hash, slots 1; completed 0, failed 0
  = drain
> w2 asks for work
  = nothing; drain
> machine m1 joins as other
  m1 is as other ready, drained: w1 draining, w2 draining
  = drain
> w2 asks for work until 1h
  = nothing; drain
> worker w4 of m1 registers for hash
  w4 joined on m1 for hash, slots 1; completed 0, failed 0
  = drain
> w4 asks for work
  = nothing; drain

# Others get what it does not.
> w3 asks for work starting
  j2 assigned to w3 on m2, attempt 1
  w3 turns busy with j2, was idle
  j2 started by w3
  = j2, attempt 1, expires at 8s
> w3 finishes j2
  j2 completed with "done"; attempt 1 of w3 on m2, runs failed 0
  w3 turns idle, was busy
  = done

# Undrained: whoever asks is given work.
> submit j3 for hash
  j3 submitted
  = accepted
> undrain machine m1
  m1 is as other ready: w1 idle, w2 idle, w4 idle
  w1 turns idle, was draining
  w2 turns idle, was draining
  w4 turns idle, was draining
  = done
> undrain machine m1
  = done
> machine m1 takes orders
  = drain no more
> machine m1 takes orders
  = no orders
> w2 asks for work starting
  j3 assigned to w2 on m1, attempt 1
  w2 turns busy with j3, was idle
  j3 started by w2
  = j3, attempt 1, expires at 8s

# With a heartbeat it counts as told. It is shown as offline while silent, and drained after.
> drain machine m1
  m1 is as other ready, drained: w1 draining, w2 draining with j3, w4 draining
  w1 turns draining, was idle
  w2 turns draining with j3, was busy
  w4 turns draining, was idle
  = done
> machine m1 beats with w2/j3
  = drain
> machine m1 takes orders
  = no new orders: drain
> 8s tick
  j3 returned by w2 from in_progress: lease_expired; runs failed 0, lost in a row 1
  m1 silent
  m2 silent
  = done
> machine m1 beats
  m1 is as other ready, drained: w1 draining, w2 draining, w4 draining
  = drain

# Who leaves and comes again is another machine.
> machine m1 leaves
  w1 left
  w2 left
  w4 left
  m1 left
  = done
> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> w1 asks for work
  j3 assigned to w1 on m1, attempt 2
  w1 turns busy with j3, was idle
  = j3, attempt 2, expires at 16s
> drain machine m9
  ! unknown machine: m9
> undrain machine m9
  ! unknown machine: m9
