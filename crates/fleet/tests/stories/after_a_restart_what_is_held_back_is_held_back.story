# A drained machine, a drained worker, a paused service and a service that is down are so after a
# restart, too.

> machine m1 joins
  m1 joined ready
  = no orders
> machine m2 joins
  m2 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> worker w2 of m2 registers for hash,render
  w2 joined on m2 for hash,render, slots 1; completed 0, failed 0
  = no orders
> worker w3 of m2 registers for hash,render
  w3 joined on m2 for hash,render, slots 1; completed 0, failed 0
  = no orders
> drain machine m1
  m1 is ready, drained: w1 draining
  w1 turns draining, was idle
  = done
> drain worker w2
  w2 is drained: draining, was idle
  = done
> pause render
  render paused
  = done
> machine m2 beats down w3/hash
  w3 has hash down: its machine says so
  = no orders
> submit j1 for hash
  j1 submitted
  = accepted
> submit j2 for render
  j2 submitted
  = accepted
> restart
> w1 asks for work until 1h
  = nothing; drain
> w2 asks for work until 1h
  = nothing; drain
> w3 asks for work until 1h
  = nothing
> why j1
  busy
  of 3 workers on 2 machines, 3 on 2 capable, 0 free
  ahead: 0
> why j2
  paused
  of 3 workers on 2 machines, 2 on 1 capable, 1 free
  fails: service: render (on 1)
  nearest: w1 on m1 lacks service: render
> machine m1 takes orders
  = no new orders: drain
> machine m1 beats
  = drain

# And each can be ended.
> machine m2 beats up w3/hash
  w3 has hash up
  j1 assigned to w3 on m2, attempt 1
  w3 turns busy with j1, was idle
  = no orders
> resume render
  render resumed
  = done
> undrain worker w2
  w2 is drained no more: idle, was draining
  = done
> w2 asks for work
  j2 assigned to w2 on m2, attempt 1
  w2 turns busy with j2, was idle
  = j2, attempt 1, expires at 8s
> undrain machine m1
  m1 is ready: w1 idle
  w1 turns idle, was draining
  = done
> submit j3 for hash
  j3 submitted
  = accepted
> w1 asks for work
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  = j3, attempt 1, expires at 8s
