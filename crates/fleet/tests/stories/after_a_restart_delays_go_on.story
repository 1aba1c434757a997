# A restart ends no backoff, no wish not to be given before, and no hold-off, and prolongs none.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 9
  w1 joined on m1 for hash, slots 9; completed 0, failed 0
  = no orders
> submit j1 for hash
  j1 submitted
  = accepted
> submit j2 for hash not-before 10s
  j2 submitted
  = accepted
> submit j3 for hash
  j3 submitted
  = accepted
> submit j4 for hash
  j4 submitted
  = accepted
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> w1 asks for work starting
  j3 assigned to w1 on m1, attempt 1
  j3 started by w1
  = j3, attempt 1, expires at 8s
> w1 asks for work starting
  j4 assigned to w1 on m1, attempt 1
  j4 started by w1
  = j4, attempt 1, expires at 8s
> 1s w1 fails j1 "boom" after 9s
  j1 returned by w1 from in_progress: failed "boom" (internal), retry at 10s; runs failed 1, lost in a row 0
  = will retry at 10s
> w1 releases j3 because "later"
  j3 returned by w1 from in_progress: released "later"; runs failed 0, lost in a row 0, handed back 1
  = done
> w1 fails j4 "no memory" as out_of_memory after 1s
  j4 returned by w1 from in_progress: failed "no memory" (out_of_memory), retry at 2s; runs failed 1, lost in a row 0, wants more than 0 GB
  w1 turns idle, was busy
  = will retry at 2s
> 5s restart
> deadline
  at once
> look at j1
  pending until 10s, runs failed 1, lost in a row 0; 1 by w1: failed
> look at j3
  pending, runs failed 0, lost in a row 0, handed back 1; 1 by w1: released
> look at j4
  pending until 2s, runs failed 1, lost in a row 0, wants more than 0 GB; 1 by w1: failed
> w1 asks for work
  j4 assigned to w1 on m1, attempt 2
  w1 turns busy with j4, was idle
  = j4, attempt 2, expires at 13s
> w1 asks for work until 1h
  = nothing
> 9s999ms tick
  = done
> 10s tick
  j1 assigned to w1 on m1, attempt 2
  = done
> w1 asks for work
  j2 assigned to w1 on m1, attempt 1
  = j2, attempt 1, expires at 18s
> w1 asks for work
  = nothing
> 17s machine m1 beats with w1/j1,w1/j2,w1/j4
  = no orders
> w1 starts j1
  j1 started by w1
  = no orders
> w1 starts j2
  j2 started by w1
  = no orders
> w1 starts j4
  j4 started by w1
  = no orders
> 24s machine m1 beats with w1/j1,w1/j2,w1/j4
  = no orders
> 30s999ms machine m1 beats with w1/j1,w1/j2,w1/j4
  = no orders
> restart
> w1 asks for work until 1h
  = nothing
> 31s tick
  j3 assigned to w1 on m1, attempt 2
  = done

# What ended while nobody was there is over.
> w1 releases j3
  j3 returned by w1 from assigned: released; runs failed 0, lost in a row 0, handed back 2
  = done
> w1 fails j1 "boom" after 9s
  j1 returned by w1 from in_progress: failed "boom" (internal), retry at 40s; runs failed 2, lost in a row 0
  = will retry at 40s
> 2m restart
> w1 asks for work
  j1 assigned to w1 on m1, attempt 3
  = j1, attempt 3, expires at 2m8s
> w1 asks for work
  j3 assigned to w1 on m1, attempt 3
  = j3, attempt 3, expires at 2m8s

# How often it was handed back is remembered.
> look at j3
  assigned, runs failed 0, lost in a row 0, handed back 2; 1 by w1: released; 2 by w1: released; 3 by w1: holds it
