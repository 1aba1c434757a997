# When a machine or a worker leaves, its jobs go back to the queue at once; none of them goes to
# somebody who leaves as well.

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
> submit j2 for hash
  j2 submitted
  = accepted
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> w1 asks for work
  j2 assigned to w1 on m1, attempt 1
  = j2, attempt 1, expires at 8s
> w2 asks for work until 1m
  = nothing
> w3 asks for work until 1m
  = nothing
> machine m1 leaves
  j1 returned by w1 from in_progress: machine_left; runs failed 0, lost in a row 1
  j2 returned by w1 from assigned: machine_left; runs failed 0, lost in a row 0
  w1 turns idle, was busy
  w1 left
  w2 left
  m1 left
  j1 assigned to w3 on m2, attempt 2
  w3 turns busy with j1, was idle
  = done
> w1 finishes j2
  ! lease lost
> machine m1 beats
  ! unknown machine: m1
> machine m1 leaves
  ! unknown machine: m1
> w1 asks for work
  ! unknown worker: w1

# A returned machine is the same machine.
> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> w1 asks for work
  j2 assigned to w1 on m1, attempt 2
  w1 turns busy with j2, was idle
  = j2, attempt 2, expires at 8s
> worker w1 leaves
  j2 returned by w1 from assigned: worker_left; runs failed 0, lost in a row 0
  w1 turns idle, was busy
  w1 left
  = done
> worker w1 leaves
  ! unknown worker: w1
> look at j2
  pending, runs failed 0, lost in a row 0; 1 by w1: machine_left; 2 by w1: worker_left
> queue
  j2
