# A worker may hand a job back: no run is counted, no backoff follows, and the job stands where
# it stood.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> worker w2 of m1 registers for hash
  w2 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders

> submit j1 for hash runs 1
  j1 submitted
  = accepted
> +1s submit j2 for hash
  j2 submitted
  = accepted
> w1 asks for work
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  = j1, attempt 1, expires at 9s
> w1 releases j1 because "too big"
  j1 returned by w1 from assigned: released "too big"; runs failed 0, lost in a row 0, handed back 1
  w1 turns idle, was busy
  = done
> queue
  j1, j2
> look at j1
  pending, runs failed 0, lost in a row 0, handed back 1; 1 by w1: released

# Another worker gets it at once, and may hand it back, too, also when it runs.
> w2 asks for work starting
  j1 assigned to w2 on m1, attempt 2
  w2 turns busy with j1, was idle
  j1 started by w2
  = j1, attempt 2, expires at 9s
> w2 releases j1
  j1 returned by w2 from in_progress: released; runs failed 0, lost in a row 0, handed back 2
  w2 turns idle, was busy
  = done
> look at j1
  pending, runs failed 0, lost in a row 0, handed back 2; 1 by w1: released; 2 by w2: released

# Neither is offered it again at once, but what comes next; see the story of hold-offs.
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 1, expires at 9s
> w1 releases j1
  ! lease lost
> w2 asks for work until 1m
  = nothing
> w1 releases j2
  j2 returned by w1 from in_progress: released; runs failed 0, lost in a row 0, handed back 1
  w1 turns idle, was busy
  j2 assigned to w2 on m1, attempt 2
  w2 turns busy with j2, was idle
  = done
> w1 releases j2
  ! lease lost

# The lease is gone for its holder, and nobody needs to be told.
> w1 finishes j1
  ! lease lost
> machine m1 takes orders
  = no orders
