# What one command makes free is given at its end, in the order of the queue: who stands ready
# gets the best of all of it, not what came back first.

> machine m1 joins
  m1 joined ready
  = no orders
> machine m2 joins
  m2 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 2
  w1 joined on m1 for hash, slots 2; completed 0, failed 0
  = no orders
> worker w2 of m1 registers for hash,render
  w2 joined on m1 for hash,render, slots 1; completed 0, failed 0
  = no orders
> worker w3 of m2 registers for hash
  w3 joined on m2 for hash, slots 1; completed 0, failed 0
  = no orders

# A machine leaves with jobs of priorities 1 and 90, the least one first.
> submit j1 for hash priority 1
  j1 submitted
  = accepted
> w1 asks for work
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  = j1, attempt 1, expires at 8s
> submit j2 for hash priority 90
  j2 submitted
  = accepted
> w2 asks for work
  j2 assigned to w2 on m1, attempt 1
  w2 turns busy with j2, was idle
  = j2, attempt 1, expires at 8s
> w3 asks for work until 1h
  = nothing
> machine m1 leaves
  j1 returned by w1 from assigned: machine_left; runs failed 0, lost in a row 0
  w1 turns idle, was busy
  w1 left
  j2 returned by w2 from assigned: machine_left; runs failed 0, lost in a row 0
  w2 turns idle, was busy
  w2 left
  m1 left
  j2 assigned to w3 on m2, attempt 2
  w3 turns busy with j2, was idle
  = done
> queue
  j1

# Time takes two leases and ends two backoffs at once. Whoever came back first, the best one goes
# to who stands longest.
> w3 releases j2
  j2 returned by w3 from assigned: released; runs failed 0, lost in a row 0, handed back 1
  w3 turns idle, was busy
  = done
> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash,render slots 2
  w1 joined on m1 for hash,render, slots 2; completed 0, failed 0
  = no orders
> worker w2 of m1 registers for hash,render slots 2
  w2 joined on m1 for hash,render, slots 2; completed 0, failed 0
  = no orders
> worker w4 of m2 registers for render
  w4 joined on m2 for render, slots 1; completed 0, failed 0
  = no orders
> cancel j1
  j1 cancelled; attempt 1, runs failed 0
  = done
> cancel j2
  j2 cancelled; attempt 2, runs failed 0
  = done
> submit j3 for render priority 10
  j3 submitted
  = accepted
> w1 asks for work
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  = j3, attempt 1, expires at 8s
> submit j4 for hash priority 70
  j4 submitted
  = accepted
> w1 asks for work
  j4 assigned to w1 on m1, attempt 1
  = j4, attempt 1, expires at 8s
> submit j5 for hash priority 80
  j5 submitted
  = accepted
> w3 asks for work
  j5 assigned to w3 on m2, attempt 1
  w3 turns busy with j5, was idle
  = j5, attempt 1, expires at 8s
> w3 fails j5 "boom" after 9s
  j5 returned by w3 from assigned: failed "boom" (internal), retry at 9s; runs failed 1, lost in a row 0
  w3 turns idle, was busy
  = will retry at 9s
> submit j6 for render priority 20
  j6 submitted
  = accepted
> w2 asks for work
  j6 assigned to w2 on m1, attempt 1
  w2 turns busy with j6, was idle
  = j6, attempt 1, expires at 8s
> w2 fails j6 "boom" after 8s
  j6 returned by w2 from assigned: failed "boom" (internal), retry at 8s; runs failed 1, lost in a row 0
  w2 turns idle, was busy
  = will retry at 8s
> +7s machine m1 beats
  = no orders
> machine m2 beats
  = no orders
> +1s w3 asks for work until 1h
  = nothing
> w2 asks for work until 1h
  = nothing
> w4 asks for work until 1h
  = nothing
> +1s tick
  j3 returned by w1 from assigned: lease_expired; runs failed 0, lost in a row 0
  j4 returned by w1 from assigned: lease_expired; runs failed 0, lost in a row 0
  w1 turns idle, was busy
  j5 assigned to w3 on m2, attempt 2
  w3 turns busy with j5, was idle
  j4 assigned to w2 on m1, attempt 2
  w2 turns busy with j4, was idle
  j6 assigned to w4 on m2, attempt 2
  w4 turns busy with j6, was idle
  = done
> queue
  j3
